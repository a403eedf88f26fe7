"""Which connections to the page are kept when there are many; a decision without any socket.

A client that opens many connections loses some of them. Somebody else's are closed only when
nobody has more: descriptors are few, and a page that runs out of them would serve nobody.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

MOST = 4000
MOST_PER_CLIENT = 64
"""A browser opens six; several homes may share one address of their provider."""
RESERVED_DESCRIPTORS = 120
"""For the database, Redis, mail, look-ups and files."""

C = TypeVar("C", bound=Hashable)


def connections_for(descriptors: int) -> int:
    """Give how many connections a process with so many descriptors may keep."""
    return max(8, min(MOST, descriptors - RESERVED_DESCRIPTORS, descriptors * 3 // 4))


class Connections(Generic[C]):
    """The open connections by client, and which of them wait for a request."""

    def __init__(self, most: int = MOST, most_per_client: int = MOST_PER_CLIENT) -> None:
        self._most = most
        self._most_per_client = min(most_per_client, max(1, most // 4))
        self._waiting: dict[Hashable, dict[C, None]] = {}
        """Client -> its connections without a whole request, those that waited longest first."""
        self._counts: dict[Hashable, int] = {}
        self._total = 0

    def admit(self, client: Hashable | None) -> tuple[bool, C | None]:
        """Say whether a new connection is taken, and which one is to be closed for it.

        `client`: the household; None: a proxy of ours, whose connections are many people's and
        are never closed for others.
        """
        if client is not None and self._counts.get(client, 0) >= self._most_per_client:
            return False, None
        if self._total < self._most:
            return True, None
        victim = self._victim()
        return victim is not None, victim

    def opened(self, client: Hashable | None, connection: C) -> None:
        """Note a connection that was taken; it waits for its first request."""
        self._total += 1
        if client is not None:
            self._counts[client] = self._counts.get(client, 0) + 1
            self._waiting.setdefault(client, {})[connection] = None

    def closed(self, client: Hashable | None, connection: C) -> None:
        """Note that a connection has ended."""
        self._total -= 1
        if client is None:
            return
        self.busy(client, connection)
        self._counts[client] -= 1
        if not self._counts[client]:
            del self._counts[client]

    def busy(self, client: Hashable | None, connection: C) -> None:
        """Note that a whole request has come: the connection is not closed for others now."""
        waiting = self._waiting.get(client)
        if waiting is not None:
            waiting.pop(connection, None)
            if not waiting:
                del self._waiting[client]

    def idle(self, client: Hashable | None, connection: C) -> None:
        """Note that the response is finished, and that the connection waits for a request."""
        if client is not None and client in self._counts:
            self._waiting.setdefault(client, {})[connection] = None

    def _victim(self) -> C | None:
        """Take the connection that waited longest, of the client that has the most."""
        largest = max(self._waiting, key=lambda client: self._counts[client], default=None)
        if largest is None:
            return None
        victim = next(iter(self._waiting[largest]))
        self.busy(largest, victim)  # it is closed once, although it ends only in a moment
        return victim
