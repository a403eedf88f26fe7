"""Connected sockets opened ahead of the queries that they are for, in the reactor's spare time.

They know nothing of questions. Opening one takes as long as all the rest of a cache miss; so the
next misses find theirs open, each with its own port, ID and bits for the name's case.
"""

from collections import deque
from typing import Final

from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.sockets import QuerySocket, QuerySockets

KEPT_S: Final = 10.0
"""How long a socket waits at most; and how long any are kept open since the last was needed."""


class ReadySockets:
    """Those to the upstream of a group that is to be asked first."""

    def __init__(self, sockets: QuerySockets, group: Group, most: int) -> None:
        """Keep at most `most` open."""
        self._sockets, self._group = sockets, group
        self.most = most
        self._ready: deque[QuerySocket] = deque()
        """The oldest first; all of them to `_first`."""
        self._first: Upstream | None = None
        """Who is asked first; None: nobody by a single datagram, or it is not known lately."""
        self._filled_at = 0.0

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def kept(self) -> bool:
        """Whether there is anything that `keep` must look after."""
        return self._first is not None

    def take(self) -> QuerySocket | None:
        """Give one; where none is left, open it. None: ask in another way. From any thread."""
        try:
            return self._ready.popleft()
        except IndexError:
            return self._open()

    def fill(self, now: float) -> None:
        """Have some for the next questions, since there was one. In the reactor's thread."""
        self._choose(now if self.most else None)
        if self._first is not None:
            self._filled_at = now
            self._top_up()

    def keep(self, now: float) -> None:
        """Close the oldest, follow a change of who is asked first; to be called now and then."""
        self._choose(now if now - self._filled_at < KEPT_S else None)
        self._drop_older_than(now - KEPT_S)
        self._top_up()

    def close(self) -> None:
        """Close all, and open none."""
        self.most = 0
        self._choose(None)

    def _choose(self, now: float | None) -> None:
        first = None if now is None else self._group.first_choice(now)
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
        """Take out what a stray error has closed; one that was just taken will fail to send."""
        for each in [each for each in list(self._ready) if each.descriptor < 0]:
            self._ready.remove(each)

    def _drop_older_than(self, moment: float) -> None:
        while self._ready:
            try:
                oldest = self._ready.popleft()
            except IndexError:  # another thread took the last
                return
            if oldest.opened_at >= moment:
                self._ready.appendleft(oldest)
                return
            oldest.stop()
