"""Journeys where datagrams take the plain path: those that take the fast one, once more."""

from pathlib import Path

import pytest

from tests.journeys.test_faults import (  # noqa: F401 - run here as well, with the fixture below
    browser,
    test_a_resolver_that_is_killed_is_back,
    test_a_rolling_restart_loses_no_query,
    test_redis_dies_and_nobody_is_locked_out,
)
from tests.peers.installation import Installation


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """No fast path."""
    return {"fast_path": "0"}


def test_its_resolver_has_no_hot_thread(shared: Installation) -> None:
    """One thread alone, so what runs here runs on the plain path."""
    (resolver,) = shared.pids("resolver")
    assert len(list(Path(f"/proc/{resolver}/task").iterdir())) == 1
