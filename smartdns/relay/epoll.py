"""An epoll instance of the relay's own, which Twisted's reactor watches as one reader.

A descriptor is registered once, edge-triggered for everything, and never again: what happens
comes to one callable per descriptor, in batches, without an object of the reactor's for each.
"""

import functools
import math
import select
from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from smartdns.relay.deadlines import TICK_S, Deadlines

READABLE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
WRITABLE = select.EPOLLOUT
ENDING = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
"""No edge may follow: read until the end."""
FAILED = select.EPOLLERR
_EVERYTHING = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_LISTEN = select.EPOLLIN | select.EPOLLEXCLUSIVE
_ROUNDS = 8
_BATCH = 256

Ready = Callable[[int], None]
"""Called with the event mask; a hint, since the descriptor may be a new one of that number."""


class Reactor(Protocol):
    """What is needed of Twisted's reactor."""

    def addReader(self, reader: IReadDescriptor) -> None:
        """Watch it."""

    def removeReader(self, reader: IReadDescriptor) -> None:
        """Watch it no more."""

    def seconds(self) -> float:
        """Give the monotonic time."""

    def callLater(self, delay: float, callable: Callable[[], object]) -> IDelayedCall:  # noqa: A002
        """Call in so many seconds."""


@implementer(IReadDescriptor)
class Poller:
    """Descriptors, what to do at once again, and a clock in ticks."""

    def __init__(self, reactor: Reactor) -> None:
        self.ready: dict[int, Ready] = {}
        """Descriptor -> whom to tell; an entry may be exchanged at any time."""
        self.deadlines = Deadlines()
        self.tick_hooks: list[Callable[[], None]] = []
        self._reactor = reactor
        self._epoll = select.epoll()
        self._again: list[Callable[[], None]] = []
        self._started_at = 0.0
        self._call: IDelayedCall | None = None
        self._log = Logger()

    def start(self) -> None:
        """Let the reactor turn it."""
        self._started_at = self._reactor.seconds()
        self._reactor.addReader(self)
        self._call = self._reactor.callLater(TICK_S, self._tick)

    def stop(self) -> None:
        """Give everything back; the descriptors themselves are others' to close."""
        self._reactor.removeReader(self)
        if self._call is not None and self._call.active():
            self._call.cancel()
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

    def rearm(self, descriptor: int) -> None:
        """Tell once more what is ready: somebody else was told of it."""
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
        self._again.append(call)

    # What the reactor calls.

    def fileno(self) -> int:
        """Give the epoll instance's descriptor."""
        return self._epoll.fileno()

    def doRead(self) -> None:
        """Tell who is ready; after some rounds the rest of the process has its turn."""
        for _ in range(_ROUNDS):
            if self._again:
                postponed, self._again = self._again, []
                for call in postponed:
                    self._guard(call)
            events = self._epoll.poll(0, _BATCH)
            find = self.ready.get
            for descriptor, mask in events:
                ready = find(descriptor)
                if ready is not None:
                    try:
                        ready(mask)
                    except Exception:  # noqa: BLE001 - one connection must not stop the others
                        self._fail()
            if not events and not self._again:
                return
        if self._again:
            self._reactor.callLater(0, self._continue)

    def logPrefix(self) -> str:
        """Part of the interface; nothing is logged by it."""
        return "relay"

    def connectionLost(self, reason: Failure) -> None:
        """Part of the interface; an epoll descriptor is never lost."""

    def _continue(self) -> None:
        if not self._epoll.closed:
            self.doRead()

    def _guard(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # noqa: BLE001
            self._fail()

    def _fail(self) -> None:
        self._log.failure("a relayed connection met an error of ours")

    def _tick(self) -> None:
        elapsed = self._reactor.seconds() - self._started_at
        tick = math.floor(elapsed / TICK_S)
        self._call = self._reactor.callLater(max(0.001, (tick + 1) * TICK_S - elapsed), self._tick)
        for entry in self.deadlines.advance(tick):
            self._guard(functools.partial(entry.due, tick))
        for hook in self.tick_hooks:
            self._guard(hook)
