"""The event loop under Twisted: asyncio's own, since redis.asyncio needs one.

Not uvloop: it calls a reader once and never again when a reset follows the data at once, so a
stream keeps its place until it is idle; it takes SIGCHLD away from Twisted; and its ring of
io_uring hides what a process does from tracers. Reading in batches, it gains nothing.
"""

import asyncio
import contextlib
import signal
from typing import cast

from twisted.internet import asyncioreactor
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.error import ReactorNotRunning


def install_reactor() -> AsyncioSelectorReactor:
    """Make Twisted's reactor; to be called before anything imports `twisted.internet.reactor`."""
    loop = asyncio.SelectorEventLoop()
    asyncio.set_event_loop(loop)
    asyncioreactor.install(loop)
    from twisted.internet import reactor  # noqa: PLC0415 - only now is there one

    return cast("AsyncioSelectorReactor", reactor)


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
