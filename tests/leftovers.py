"""What an async test leaves behind is that test's failure, and not the next one's."""

import gc
import time
from collections.abc import Iterator

import pytest
import pytest_twisted
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.logger import LogEvent, LogLevel, globalLogPublisher

_CLOSED_WITHIN_S = 20.0
"""Long enough for an end that was sent to be read, on a busy machine."""


@pytest.fixture(autouse=True, scope="module")
def loaded_modules_are_not_looked_at() -> None:
    """Keep what lives already out of each test's garbage collection: 0.1 s a test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """A logged failure, an unhandled Deferred, a delayed call or a socket that is left fails it.

    What happened at such a socket would come in the turns of a later test, and be blamed on that.
    """
    from twisted.internet import reactor

    failures: list[LogEvent] = []

    def observe(event: LogEvent) -> None:
        if event.get("log_level") in {LogLevel.error, LogLevel.critical}:
            failures.append(event)

    first_turn = reactor.callLater(0, _do_nothing)  # type: ignore[attr-defined]
    before = set(reactor.getDelayedCalls())  # type: ignore[attr-defined]
    open_before = _selected(reactor)  # type: ignore[arg-type]
    globalLogPublisher.addObserver(observe)
    try:
        yield
        still_open = _settle(reactor, first_turn, open_before)  # type: ignore[arg-type]
    finally:
        globalLogPublisher.removeObserver(observe)
    left = [c for c in reactor.getDelayedCalls() if c not in before]  # type: ignore[attr-defined]
    for call in left:
        call.cancel()
    assert not failures, f"logged as an error: {[_shown(event) for event in failures]}"
    assert not left, f"still scheduled after the test: {left}"
    assert not still_open, f"still open after the test: {still_open}"


def _settle(
    reactor: AsyncioSelectorReactor, first_turn: IDelayedCall, open_before: set[object]
) -> set[object]:
    """Let what has ended be closed and everything be reported; give what is still open.

    An unhandled Deferred is reported when it is collected. Where the reactor did not turn there is
    none, and only what the test made can have leaked.
    """
    if first_turn.active():
        first_turn.cancel()
        gc.collect(1)
        return set()
    # Twisted closes an aborted connection in the next turn, and one that the other side has ended
    # when it reads that.
    end = time.monotonic() + _CLOSED_WITHIN_S
    while True:
        pytest_twisted.blockon(deferLater(reactor, 0, _do_nothing))
        still_open = _selected(reactor) - open_before
        if not still_open or time.monotonic() > end:
            break
    gc.collect()
    return still_open


def _selected(reactor: AsyncioSelectorReactor) -> set[object]:
    """Give what the reactor reads from or writes to, but for what wakes it up."""
    selected = {*reactor.getReaders(), *reactor.getWriters()}
    return {each for each in selected if type(each).__module__ != "twisted.internet._signals"}


def _do_nothing() -> None:
    pass


def _shown(event: LogEvent) -> str:
    failure = event.get("log_failure")
    return failure.getTraceback() if failure is not None else str(event.get("log_format"))
