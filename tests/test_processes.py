"""A test that is not marked starts nothing."""

import subprocess
import sys

import pytest

from tests import processes


def test_one_without_the_mark_is_refused_a_process() -> None:
    """This one has none, and is told what to do."""
    with pytest.raises(RuntimeError, match="starts a process: mark it `processes`"):
        subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.processes
def test_one_with_the_mark_is_not() -> None:
    """Servers, browsers and commands are started so."""
    subprocess.run([sys.executable, "-c", ""], check=True)


def test_a_fixture_of_a_server_gives_the_mark(request: pytest.FixtureRequest) -> None:
    """Nobody has to think of it."""
    with_servers = [
        each
        for each in request.session.items
        if not processes._FIXTURES.isdisjoint(getattr(each, "fixturenames", ()))
    ]
    assert all(each.get_closest_marker(processes.MARK) for each in with_servers)
