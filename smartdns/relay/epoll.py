"""An epoll instance of the relay's own, which the event loop under Twisted watches as one reader.

A descriptor is registered once, edge-triggered for everything: what happens comes to one
callable per descriptor, in batches, without an object of the loop's for each. The loop is
asyncio's itself: by way of Twisted's reactor each wake-up costs 15 µs more.
"""

import asyncio
import functools
import math
import select
from collections.abc import Callable

from twisted.logger import Logger

from smartdns.relay.deadlines import TICK_S, Deadlines

READABLE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
WRITABLE = select.EPOLLOUT
ENDING = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
"""No edge may follow: read until the end."""
FAILED = select.EPOLLERR
SOON_S = 0.004
_MUTED = select.EPOLLOUT | select.EPOLLET
_EVERYTHING = _MUTED | select.EPOLLIN | select.EPOLLRDHUP
_LISTEN = select.EPOLLIN | select.EPOLLEXCLUSIVE
_ROUNDS = 8
_BATCH = 256

Ready = Callable[[int], None]
"""Called with the event mask; a hint, since the descriptor may be a new one of that number."""


class Poller:
    """Descriptors, what is to be done once more, and a clock in ticks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Belong to `loop`, which runs under Twisted's reactor."""
        self.ready: dict[int, Ready] = {}
        """Descriptor -> whom to tell; an entry may be exchanged at any time."""
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
        """Let the loop turn it."""
        self._started_at = self._loop.time()
        self._loop.add_reader(self._epoll.fileno(), self._turn)
        self._tick()

    def stop(self) -> None:
        """Give everything back; the descriptors themselves are others' to close."""
        self._loop.remove_reader(self._epoll.fileno())
        if self._next_tick is not None:
            self._next_tick.cancel()
        self._epoll.close()
        self.ready.clear()

    @property
    def tick(self) -> int:
        """The tick that it is now."""
        return self.deadlines.now

    def add(self, descriptor: int, ready: Ready) -> None:
        """Watch a connection; closing it ends that, but `forget` it before."""
        self.ready[descriptor] = ready
        self._epoll.register(descriptor, _EVERYTHING)

    def mute(self, descriptor: int) -> None:
        """Tell no more that a connection can be read, until `listen_to`."""
        self._epoll.modify(descriptor, _MUTED)

    def listen_to(self, descriptor: int) -> None:
        """Tell, from now on and at once, whether it can be read."""
        self._epoll.modify(descriptor, _EVERYTHING)

    def add_listener(self, descriptor: int, ready: Ready) -> None:
        """Watch a listening socket: level-triggered, and of several workers one is woken."""
        self.ready[descriptor] = ready
        self._epoll.register(descriptor, _LISTEN)

    def remove(self, descriptor: int) -> None:
        """Stop watching a descriptor that stays open."""
        if self.ready.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    def forget(self, descriptor: int) -> None:
        """Tell nobody any more; the caller closes the descriptor now."""
        self.ready.pop(descriptor, None)

    def again(self, call: Callable[[], None]) -> None:
        """Call once others have had their turn."""
        if not self._again:
            self._loop.call_soon(self._repeat)
        self._again.append(call)

    def soon(self, call: Callable[[], None]) -> None:
        """Call within four milliseconds, together with others that can wait so long."""
        if not self._soon:
            self._loop.call_later(SOON_S, self._come)
        self._soon.append(call)

    def _turn(self) -> None:
        """Tell who is ready; after some rounds the rest of the process has its turn."""
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
        self._call([functools.partial(one.due, tick) for one in self.deadlines.advance(tick)])
        self._call(self.tick_hooks)

    def _call(self, calls: list[Callable[[], None]]) -> None:
        for call in calls:
            try:
                call()
            except Exception:  # noqa: BLE001
                self._fail()

    def _fail(self) -> None:
        self._log.failure("a relayed connection met an error of ours")
