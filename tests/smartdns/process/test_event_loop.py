"""The event loop that Twisted and redis.asyncio share."""

import asyncio

from twisted.internet import reactor
from twisted.internet.task import deferLater

from smartdns.process.event_loop import loop_of


async def test_what_asyncio_schedules_runs_in_twisteds_reactor() -> None:
    """A call that is put into the loop is made while the reactor runs, in the same thread."""
    loop = loop_of(reactor)
    assert isinstance(loop, asyncio.SelectorEventLoop)
    called: list[bool] = []
    loop.call_soon(lambda: called.append(loop.is_running()))
    while not called:
        await deferLater(reactor, 0.001)  # type: ignore[arg-type]
    assert called == [True]
