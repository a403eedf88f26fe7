"""The event loop under Twisted: asyncio's, since redis.asyncio needs one; uvloop's where it is."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from twisted.internet import asyncioreactor
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning

T = TypeVar("T")


def install_reactor(*, has_children: bool = False) -> AsyncioSelectorReactor:
    """Make Twisted's reactor; to be called before anything imports `twisted.internet.reactor`.

    Who has child processes gets asyncio's own loop: uvloop takes SIGCHLD's wake-up away from
    Twisted, which then never learns that a child has ended.
    """
    loop = asyncio.new_event_loop() if has_children else _new_loop()
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


def deferred_from(coroutine: Coroutine[Any, Any, T]) -> Deferred[T]:
    """Run a coroutine of asyncio's libraries; cancelling the Deferred cancels its task.

    Awaiting asyncio's futures inside a coroutine of Twisted's raises, so this is the one bridge.
    """
    return Deferred.fromFuture(asyncio.ensure_future(coroutine))


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - the extra "fast" may not be installed
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
