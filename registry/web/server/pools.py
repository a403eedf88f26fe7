"""Threads for requests, in pools of their own, so that slow requests wait only for each other.

A pool has few threads, few places in its queue, and few of both for one client. A request that
finds no place is refused at once instead of waiting. So nobody's look-ups or wrong passwords hold
up another person's page or router.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from twisted.python.threadpool import ThreadPool

from registry.web.arriving.places import Places


@dataclass(frozen=True, slots=True)
class PoolSize:
    """How much one pool does at a time."""

    threads: int
    waiting: int
    """Requests that wait for a thread."""
    per_client: int
    """Requests of one client, at work and waiting."""


class BoundedPool:
    """Runs requests in its own threads; a request without a place must be refused."""

    def __init__(self, name: str, size: PoolSize) -> None:
        self._threads = ThreadPool(0, size.threads, name=name)
        self._places = Places(size.threads + size.waiting, size.per_client)

    def start(self) -> None:
        """Make the pool ready; threads begin with the first requests."""
        self._threads.start()

    def stop(self) -> None:
        """Finish what was begun, and end the threads."""
        if not self._threads.joined:
            self._threads.stop()

    def take(self, client: Hashable) -> "Place | None":
        """Give a place for one request, or None if there is none for this client now."""
        return Place(self, client) if self._places.take(client) else None

    def run(self, client: Hashable, work: Callable[[], object]) -> None:
        """Run `work` in a thread, then give the client's place back."""

        def working() -> None:
            try:
                work()
            finally:
                self.leave(client)

        self._threads.callInThread(working)

    def leave(self, client: Hashable) -> None:
        """Give a place back."""
        self._places.leave(client)


@dataclass(slots=True)
class Place:
    """A place for one request; for `WSGIResource` it is a thread pool."""

    pool: BoundedPool
    client: Hashable
    abandoned: bool = False
    """The client has gone: a request that still waits is not begun."""

    def callInThread(self, work: Callable[[], object]) -> None:
        """Run the request's work, unless the client has gone by then."""
        self.pool.run(self.client, lambda: None if self.abandoned else work())

    def give_back(self) -> None:
        """Give the place back; the request could not begin."""
        self.pool.leave(self.client)
