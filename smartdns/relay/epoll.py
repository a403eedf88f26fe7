"""An epoll instance of the relay's own, which the event loop under Twisted watches as one reader.

A descriptor is registered once, edge-triggered for everything: its events come to one callable,
in batches, without an object of the loop for each descriptor. The loop is asyncio's itself: through
Twisted's reactor each wake-up costs 15 µs more.
"""

import asyncio
import math
import select
import socket
from collections.abc import Callable

from twisted.logger import Logger

from smartdns.relay.deadlines import TICK_S, Deadlines

READABLE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
WRITABLE = select.EPOLLOUT
ENDING = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
"""The peer has sent its last octet: read until the end, for no edge may follow."""
FAILED = select.EPOLLERR
SOON_S = 0.004
_MUTED = select.EPOLLOUT | select.EPOLLET
_EVERYTHING = _MUTED | select.EPOLLIN | select.EPOLLRDHUP
_LISTEN = select.EPOLLIN | select.EPOLLEXCLUSIVE
_ROUNDS = 8
_BATCH = 256

Ready = Callable[[int], None]
"""Called with the event mask. A hint: it may be meant for an earlier socket of that number."""


class Poller:
    """Watches descriptors, makes calls later, and has a clock in ticks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belong to `loop`, which runs under Twisted's reactor."""
        self.ready: dict[int, Ready] = {}
        """By descriptor, whom to tell; an entry may be exchanged at any time."""
        self.deadlines = Deadlines()
        self.tick_hooks: list[Callable[[], None]] = []
        self._loop = loop
        self._epoll = select.epoll()
        self._again: list[Callable[[], None]] = []
        self._soon: list[Callable[[], None]] = []
        self._started_at = 0.0
        self._next_tick: asyncio.TimerHandle | None = None
        self._log = Logger()

    def start(self) -> None:
        """Begin to watch, and start the clock."""
        self._started_at = self._loop.time()
        self._loop.add_reader(self._epoll.fileno(), self._turn)
        self._tick()

    def stop(self) -> None:
        """Watch nothing more; the callers close their descriptors themselves."""
        self._loop.remove_reader(self._epoll.fileno())
        if self._next_tick is not None:
            self._next_tick.cancel()
        self._epoll.close()
        self.ready.clear()

    @property
    def tick(self) -> int:
        """The current tick."""
        return self.deadlines.now

    def watch(self, descriptor: int, ready: Ready) -> None:
        """Tell `ready` of each event, beginning with those that hold by now.

        If the descriptor is watched already, `ready` takes the place of who was told before, and
        misses nothing. Closing a descriptor ends the watching, but `forget` it before.
        """
        if descriptor in self.ready:
            self._epoll.modify(descriptor, _EVERYTHING)
        else:
            self._epoll.register(descriptor, _EVERYTHING)
        self.ready[descriptor] = ready

    def mute(self, descriptor: int) -> None:
        """Do not tell that a connection can be read, until `unmute`."""
        self._epoll.modify(descriptor, _MUTED)

    def unmute(self, descriptor: int) -> None:
        """Tell of each event again, beginning with those that hold by now."""
        self._epoll.modify(descriptor, _EVERYTHING)

    def watch_listener(self, descriptor: int, ready: Ready) -> None:
        """Watch a listening socket: level-triggered, and of several workers one is woken."""
        self.ready[descriptor] = ready
        self._epoll.register(descriptor, _LISTEN)

    def remove(self, descriptor: int) -> None:
        """Stop watching a descriptor that stays open."""
        if self.ready.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def forget(self, descriptor: int) -> None:
        """Tell nobody any more; the caller closes the descriptor next."""
        self.ready.pop(descriptor, None)

    def again(self, call: Callable[[], None]) -> None:
        """Make a call once others have had their turn."""
        if not self._again:
            self._loop.call_soon(self._repeat)
        self._again.append(call)

    def soon(self, call: Callable[[], None]) -> None:
        """Make a call within four milliseconds, together with others that can wait so long."""
        if not self._soon:
            self._loop.call_later(SOON_S, self._come)
        self._soon.append(call)

    def _turn(self) -> None:
        """Tell of what is ready; after some rounds the rest of the process has its turn."""
        find = self.ready.get
        for _ in range(_ROUNDS):
            if self._epoll.closed or not (events := self._epoll.poll(0, _BATCH)):
                return
            for descriptor, mask in events:
                if (ready := find(descriptor)) is not None:
                    try:
                        ready(mask)
                    except Exception:  # noqa: BLE001 - one connection must not stop the others
                        self._fail()

    def _repeat(self) -> None:
        calls, self._again = self._again, []
        self._call(calls)

    def _come(self) -> None:
        calls, self._soon = self._soon, []
        self._call(calls)

    def _tick(self) -> None:
        elapsed = self._loop.time() - self._started_at
        tick = math.floor(elapsed / TICK_S)
        self._next_tick = self._loop.call_later(
            max(0.001, (tick + 1) * TICK_S - elapsed), self._tick
        )
        self._call([one.due for one in self.deadlines.advance(tick)])
        self._call(self.tick_hooks)

    def _call(self, calls: list[Callable[[], None]]) -> None:
        for call in calls:
            try:
                call()
            except Exception:  # noqa: BLE001
                self._fail()

    def _fail(self) -> None:
        self._log.failure("a relayed connection met an error of ours")


def is_reset(end: socket.socket, mask: int) -> bool:
    """Say whether an event means that the connection failed; `mask` alone may be an older one's."""
    return bool(mask & FAILED and end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
