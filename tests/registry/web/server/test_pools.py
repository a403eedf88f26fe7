"""Pools of threads: what finds no place is refused, and no pool waits for another."""

import threading
from collections.abc import Iterator

import pytest

from registry.web.server.pools import BoundedPool, PoolSize
from tests.peers.waiting import wait_until


@pytest.fixture
def pool() -> Iterator[BoundedPool]:
    """One thread, two places that wait, two for each client."""
    pool = BoundedPool("test", PoolSize(threads=1, waiting=2, per_client=2))
    pool.start()
    yield pool
    pool.stop()


def test_what_finds_no_place_is_refused(pool: BoundedPool) -> None:
    """Three requests have a place, of one client two; a finished one makes room."""
    release, done = threading.Event(), threading.Event()
    first = pool.take("a")
    second = pool.take("a")
    assert first is not None
    assert second is not None
    assert pool.take("a") is None
    first.callInThread(release.wait)
    second.callInThread(done.set)
    third = pool.take("b")
    assert third is not None
    assert pool.take("c") is None
    release.set()
    assert done.wait(20)
    wait_until(lambda: pool.take("a") is not None)
    third.give_back()


def test_a_request_whose_client_has_gone_is_not_begun(pool: BoundedPool) -> None:
    """It gives its place back all the same, and so does one that fails."""
    begun = threading.Event()
    gone = pool.take("a")
    assert gone is not None
    gone.abandoned = True
    gone.callInThread(begun.set)
    wait_until(lambda: (place := pool.take("a")) is not None and (place.give_back() is None))
    assert not begun.is_set()
