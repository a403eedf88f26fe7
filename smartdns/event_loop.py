"""The event loop under Twisted: asyncio's own, since redis.asyncio needs one.

Not uvloop: it calls a reader once and never again when a reset follows the data at once, so a
stream keeps its place until it is idle; it takes SIGCHLD away from Twisted; and its ring of
io_uring hides what a process does from whoever traces it. Reading in batches, it gains nothing.
"""

import asyncio
import contextlib
import math
import select
import selectors
import signal
from collections.abc import Callable
from typing import cast

from twisted.internet import asyncioreactor
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger


def install_reactor() -> AsyncioSelectorReactor:
    """Make Twisted's reactor; to be called before anything imports `twisted.internet.reactor`."""
    loop = asyncio.SelectorEventLoop(ReadingSelector())
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor  # noqa: PLC0415 - only now is there one

    return cast("AsyncioSelectorReactor", reactor)


class ReadingSelector(selectors.EpollSelector):
    """Calls some readers as soon as it learns of their datagrams, before it says what is ready.

    By way of the loop a reply waits for eight calls more, and each of them costs where nothing of
    it is in the processor's caches. These readers may do whatever any other may.
    """

    def __init__(self) -> None:
        super().__init__()
        self._readers: dict[int, Callable[[], None]] = {}
        # EpollSelector's own: what else is watched, and the object that is asked.
        self._epoll: select.epoll = self._selector  # type: ignore[attr-defined]
        self._keys: dict[int, selectors.SelectorKey] = self._fd_to_key  # type: ignore[attr-defined]

    def add(self, descriptor: int, read: Callable[[], None]) -> None:
        """Call `read` whenever there is something to be read, or an error to be learned of."""
        self._epoll.register(descriptor, select.EPOLLIN)
        self._readers[descriptor] = read

    def remove(self, descriptor: int) -> None:
        """Call it no more; to be called before the descriptor is closed."""
        del self._readers[descriptor]
        self._epoll.unregister(descriptor)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Call readers, and give what else is ready, as the selectors of Python do."""
        seconds = -1 if timeout is None else max(math.ceil(timeout * 1e3) * 1e-3, 0)
        readers, keys = self._readers, self._keys
        ready = []
        for descriptor, event in self._epoll.poll(seconds, len(readers) + len(keys) + 1):
            if (read := readers.get(descriptor)) is not None:
                try:
                    read()
                except Exception:  # noqa: BLE001 - nobody's mistake may end the loop
                    Logger().failure("a reply could not be read")
            elif (key := keys.get(descriptor)) is not None:  # else it was closed meanwhile
                events = (event & ~select.EPOLLIN and selectors.EVENT_WRITE) | (
                    event & ~select.EPOLLOUT and selectors.EVENT_READ
                )
                ready.append((key, events & key.events))
        return ready


def selector_of(reactor: object) -> ReadingSelector:
    """Give the selector of the event loop under Twisted's reactor, which `install_reactor` made."""
    return cast("ReadingSelector", loop_of(reactor)._selector)  # type: ignore[attr-defined]  # noqa: SLF001


def loop_of(reactor: object) -> asyncio.AbstractEventLoop:
    """Give the event loop under Twisted's reactor; the reactor itself does not offer it."""
    return reactor._asyncioEventloop  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001


def stop_on(reactor: AsyncioSelectorReactor, *signals: signal.Signals) -> None:
    """Stop calmly on any of these, however often; Twisted complains of being told twice.

    To be called once the reactor runs, for it puts its own in place as it starts.
    """

    def stop() -> None:
        with contextlib.suppress(ReactorNotRunning):
            reactor.stop()

    for number in signals:
        signal.signal(number, lambda *_: reactor.callFromThread(stop))
