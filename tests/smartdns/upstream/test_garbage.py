"""A question that has ended leaves no circle of objects for the garbage collector."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import dns.flags
import dns.message
import pytest
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, gatherResults
from twisted.internet.task import deferLater

from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream import forwarder as under_test
from smartdns.upstream.forwarder import Forwarder
from smartdns.upstream.question import PendingQuestion
from tests.peers.odd_name_server import OddNameServer, Reaction, address_of_everything, answering
from tests.peers.ports import free_port
from tests.smartdns.upstream.asking import forwarder, question
from tests.smartdns.upstream.reactions import in_a_stream, in_lower_case, silence

Resolving = Forwarder[UpstreamReply | None]
QUESTIONS = 5


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail if what happens within leaves objects of ours that only a collection would find."""
    gc.collect()
    gc.disable()
    try:
        yield
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [each for each in gc.garbage if is_ours(each)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not left, {type(each).__name__ for each in left}


def is_ours(found: object) -> bool:
    """Say whether a type, or a function, is of the product."""
    module = getattr(found, "__module__", None) or type(found).__module__
    return isinstance(module, str) and module.startswith("smartdns.")


async def settled(resolving: Resolving) -> None:
    """Wait until nothing is under way."""
    while resolving.in_flight:
        await deferLater(reactor, 0.01)
    await deferLater(reactor, 0.1)


def elsewhere(query: dns.message.Message, _: str) -> Reaction:
    """Answer with an alias that the asker has to follow."""
    name = query.question[0].name.to_text().lower()
    if name.startswith("to."):
        return address_of_everything(query, "")
    return answering(query, f"{name} 60 CNAME to.{name}")


REACTIONS = [address_of_everything, in_a_stream, in_lower_case, elsewhere, silence]


@pytest.fixture
def soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a question half a second."""
    monkeypatch.setattr(under_test, "PendingQuestion", partial(PendingQuestion, budget_s=0.5))


@pytest.mark.usefixtures("soon_over")
@pytest.mark.parametrize("react", REACTIONS)
async def test_a_question_leaves_nothing(
    odd_name_server: OddNameServer, react: Callable[[dns.message.Message, str], Reaction]
) -> None:
    """Answered, truncated, in another case, with an alias, never: all is freed at once."""
    resolving = forwarder(odd_name_server.port, odd_name_server.port)
    odd_name_server.react = react
    with nothing_left():
        asked = [resolving.forward(question(f"abcdef{n}.example")) for n in range(QUESTIONS)]
        await gatherResults(asked)
        del asked
        await settled(resolving)
        # A connection and its transport know each other: one circle each, not one a question.
        await resolving.stopService()
        del resolving


async def test_who_goes_away_or_is_left_alone_leaves_nothing(
    odd_name_server: OddNameServer,
) -> None:
    """Nor does an asker who is cancelled, a closed port, or an end amid questions."""
    odd_name_server.delay = 0.05
    resolving = forwarder(odd_name_server.port, free_port())
    with nothing_left():
        for n in range(QUESTIONS):
            asked = resolving.forward(question(f"gone{n}.example"))
            asked.addErrback(lambda failure: failure.trap(CancelledError) and None)
            asked.cancel()
        del asked
        await settled(resolving)
        asked = resolving.forward(question("late.example"))
        await resolving.stopService()
        del asked


@pytest.mark.usefixtures("soon_over")
@pytest.mark.parametrize("react", REACTIONS)
async def test_a_query_sent_by_the_thread_that_asks_leaves_nothing(
    odd_name_server: OddNameServer, react: Callable[[dns.message.Message, str], Reaction]
) -> None:
    """Whether its reply is the answer or more must be asked."""
    resolving = forwarder(odd_name_server.port, ready_sockets=2)
    await resolving.forward(question("first.example"))
    await deferLater(reactor, 0)
    odd_name_server.react = react
    with nothing_left():
        for n in range(QUESTIONS):
            assert resolving.ask(question(f"abcdef{n}.example"), _ignore)
        await settled(resolving)
        await resolving.stopService()
        del resolving


def _ignore(_: object) -> None:
    pass
