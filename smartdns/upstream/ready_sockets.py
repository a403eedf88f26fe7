"""Connected sockets that are opened before their queries come, after replies have been read.

To open a socket takes as long as all the rest of a cache miss; so the next misses find their
sockets open. Each socket has its own port, ID and bits for the name's case.
"""

import contextlib
from collections import deque
from typing import Final

from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.sockets import QuerySocket, QuerySockets

KEPT_S: Final = 10.0
"""Seconds that a socket waits at most, and that any are kept open after the last `fill`."""


class ReadySockets:
    """Open sockets to the upstream of a group that is asked first."""

    def __init__(self, sockets: QuerySockets, group: Group, most: int) -> None:
        """Keep at most `most` open."""
        self._sockets, self._group = sockets, group
        self.most = most
        self._ready: deque[QuerySocket] = deque()
        """The oldest first; all are connected to `_first`."""
        self._first: Upstream | None = None
        """The upstream to ask first; None: there is none for a datagram, or no questions come."""
        self._filled_at = 0.0

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def kept(self) -> bool:
        """Whether `keep` must be called again."""
        return self._first is not None

    def take(self) -> QuerySocket | None:
        """Give a socket; open one if none is left. None: call `begin` instead. From any thread."""
        try:
            return self._ready.popleft()
        except IndexError:
            return self._open()

    def fill(self, now: float) -> None:
        """Open sockets for the next questions. Only in the reactor's thread."""
        self._choose(now)
        if self._first is not None:
            self._filled_at = now
            self._top_up()

    def keep(self, now: float) -> None:
        """Close old sockets, and follow a change of the first upstream; call it regularly."""
        self._choose(now if now - self._filled_at < KEPT_S else None)
        self._drop_older_than(now - KEPT_S)
        self._top_up()

    def close(self) -> None:
        """Close all sockets, and open no more."""
        self.most = 0
        self._choose(None)

    def _choose(self, now: float | None) -> None:
        first = self._group.first_choice(now) if now is not None and self.most else None
        if first is not self._first:
            self._first = first
            self._drop_older_than(float("inf"))

    def _open(self) -> QuerySocket | None:
        first = self._first
        return None if first is None else self._sockets.open(first)

    def _top_up(self) -> None:
        while len(self._ready) < self.most and (opened := self._open()) is not None:
            opened.lost = self._forget_lost
            self._ready.append(opened)

    def _forget_lost(self) -> None:
        """Remove sockets that an ICMP error has closed; one just taken will fail to send."""
        for each in [each for each in list(self._ready) if each.descriptor < 0]:
            with contextlib.suppress(ValueError):  # another thread has taken it
                self._ready.remove(each)

    def _drop_older_than(self, moment: float) -> None:
        while self._ready:
            try:
                oldest = self._ready.popleft()
            except IndexError:  # another thread took the last one
                return
            if oldest.opened_at >= moment:
                self._ready.appendleft(oldest)
                return
            oldest.stop()
