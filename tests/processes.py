"""Tests that start a process: a server, a browser, a command. `make test-fast` leaves them out.

Who needs a fixture of a server is marked `processes` by that; others carry the mark. A test without
it that starts a process fails, so that the fast tests stay what they are.
"""

import sys

import pytest

MARK = "processes"
_FIXTURES = frozenset(
    {
        "redis_of_the_session",
        "own_redis_server",
        "postgresql_server",
        "name_server_of_the_session",
        "start_registry",
        "sqlite_registry",
        "visitor_on_each",
        "page_test",
        "on_each",
        "way",
        "chromium",
        "supervised",
    }
)
_EVENTS = frozenset({"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.exec"})
_unmarked: list[str] = []
"""The test that runs, if it may start nothing."""


def mark_by_fixture(items: list[pytest.Item]) -> None:
    """Mark each test that needs a server; attacks are played on a running page."""
    for item in items:
        played = "attacks" in item.path.parts
        if played or not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(MARK)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Watch a test from its first fixture on."""
    if item.get_closest_marker(MARK) is None:
        _unmarked.append(item.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Watch it no more: a server that other tests have used may end with it."""
    _unmarked.clear()


def watch() -> None:
    """Refuse processes to tests that are not marked; once for each process of pytest."""
    sys.addaudithook(_refuse)


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if event in _EVENTS and _unmarked:
        raise RuntimeError(f"{_unmarked[0]} starts a process: mark it `{MARK}`")
