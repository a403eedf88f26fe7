"""One question under way: sent first by the thread that has it or begun by the reactor."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from smartdns.answering.memory.exchange import BUDGET_S
from smartdns.answering.numbers import NOERROR, NXDOMAIN, REFUSED, SERVFAIL
from tests.peers.odd_name_server import OddNameServer, React, address_of_everything
from tests.peers.ports import free_port
from tests.smartdns.upstream import reactions
from tests.smartdns.upstream.peer import REACTOR, until
from tests.smartdns.upstream.pending import ADDRESS, NAME, WAYS, Asking, after_one_silence, shown

Ask = Callable[..., Asking]


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Either must lead to the same."""
    return str(request.param)


@pytest_twisted.async_yield_fixture
async def ask(way: str) -> AsyncIterator[Ask]:
    """Make a question to some ports; it is closed after the test."""
    made: list[Asking] = []

    def make(*ports: int, budget_s: float | None = None) -> Asking:
        made.append(Asking(way, *ports, budget_s=budget_s))
        return made[-1]

    yield make
    for each in made:
        await each.stop()


@pytest_twisted.async_yield_fixture
async def another_name_server() -> AsyncIterator[OddNameServer]:
    """A second upstream, which answers."""
    server = OddNameServer(REACTOR)
    server.start()
    yield server
    await server.stop()


@pytest.mark.parametrize("react", [address_of_everything, reactions.absent])
async def test_an_answer_ends_the_question_without_an_exchange(
    ask: Ask, odd_name_server: OddNameServer, way: str, react: React
) -> None:
    """One query, one reply, and the health of the upstream has learned of it."""
    odd_name_server.react = react
    asking = ask(odd_name_server.port)
    (member,) = asking.group.members
    await asking.start()
    reply = await asking.outcome()
    assert shown(reply) in ((NOERROR, [ADDRESS]), (NXDOMAIN, []))
    assert (asking.pending._exchange is None) is (way == WAYS[1])
    assert len(odd_name_server.queries) == 1
    assert member.health.heard_since(REACTOR.seconds() - 10)
    assert not member.health.trial_is_due(REACTOR.seconds() + 59)


@pytest.mark.parametrize(
    ("react", "expected", "transports"),
    [
        (reactions.in_a_stream, (NOERROR, [ADDRESS]), ["udp", "tcp"]),
        (reactions.in_lower_case, (NOERROR, [ADDRESS]), ["udp", "tcp"]),
        (reactions.without_edns, (NOERROR, [ADDRESS]), ["udp", "udp"]),
        (reactions.without_edns_and_question, (NOERROR, [ADDRESS]), ["udp", "udp"]),
        (reactions.failing, (SERVFAIL, []), ["udp"]),
        (reactions.refusing, (REFUSED, []), ["udp"]),
        (reactions.referring, None, ["udp"]),
        (after_one_silence, (NOERROR, [ADDRESS]), ["udp", "udp"]),
    ],
)
async def test_what_is_no_answer_leads_to_the_same_next_step(
    ask: Ask,
    odd_name_server: OddNameServer,
    react: Any,
    expected: tuple[int, list[bytes]] | None,
    transports: list[str],
) -> None:
    """Truncated, in another case, FORMERR, an error, a referral, silence: asked on or told."""
    odd_name_server.react = react(odd_name_server) if react is after_one_silence else react
    asking = ask(odd_name_server.port)
    (member,) = asking.group.members
    await asking.start()
    assert shown(await asking.outcome()) == expected
    assert [transport for transport, _ in odd_name_server.queries] == transports
    assert {str(q.question[0].name).lower() for _, q in odd_name_server.queries} == {f"{NAME}."}
    assert member.health.keeps_case(REACTOR.seconds()) is (react is not reactions.in_lower_case)


@pytest.mark.parametrize(
    "react", [reactions.failing, reactions.refusing, reactions.referring, reactions.silence, None]
)
async def test_the_next_upstream_is_asked_where_the_first_has_no_answer(
    ask: Ask,
    odd_name_server: OddNameServer,
    another_name_server: OddNameServer,
    react: React | None,
) -> None:
    """An error, silence, nobody there: once each, in time."""
    if react is not None:
        odd_name_server.react = react
    first = free_port() if react is None else odd_name_server.port
    asking = ask(first, another_name_server.port)
    began = REACTOR.seconds()
    await asking.start()
    assert shown(await asking.outcome()) == (NOERROR, [ADDRESS])
    assert len(odd_name_server.queries) == (react is not None)
    assert len(another_name_server.queries) == 1
    assert REACTOR.seconds() - began < BUDGET_S


@pytest.mark.parametrize("there", [True, False], ids=["silent", "nobody there"])
async def test_without_a_reply_it_ends_in_none(
    ask: Ask, odd_name_server: OddNameServer, *, there: bool
) -> None:
    """After the budget where there was silence, at once where nobody listens."""
    odd_name_server.react = reactions.silence
    port = odd_name_server.port if there else free_port()
    asking = ask(port, budget_s=0.5 if there else 60.0)
    await asking.start()
    assert await asking.outcome() is None


@pytest.mark.parametrize("forge", reactions.FORGERIES)
async def test_what_does_not_fit_the_query_is_passed_over(
    ask: Ask, odd_name_server: OddNameServer, forge: Any
) -> None:
    """It neither becomes the answer nor ends the waiting for it."""
    odd_name_server.react = lambda query, transport: [
        forge(query),
        address_of_everything(query, transport),
    ]
    asking = ask(odd_name_server.port)
    await asking.start()
    assert shown(await asking.outcome()) == (NOERROR, [ADDRESS])
    assert len(odd_name_server.queries) == 1


async def test_a_hail_of_wrong_ids_makes_it_leave_the_port(
    ask: Ask, odd_name_server: OddNameServer, another_name_server: OddNameServer
) -> None:
    """Somebody guesses there; another upstream is asked, from another port."""
    odd_name_server.react = lambda query, transport: (
        [reactions.wrong_id(query)] * 200 + [address_of_everything(query, transport)]
    )
    asking = ask(odd_name_server.port, another_name_server.port)
    await asking.start()
    assert shown(await asking.outcome()) == (NOERROR, [ADDRESS])
    assert len(another_name_server.queries) == 1


async def test_who_abandons_it_hears_none_and_leaves_nothing(
    ask: Ask, odd_name_server: OddNameServer
) -> None:
    """Neither a socket nor a timer; what still comes changes nothing."""
    odd_name_server.delay = 0.05
    asking = ask(odd_name_server.port)
    await asking.start()
    await until(lambda: bool(odd_name_server.queries))
    asking.pending.abandon()
    assert asking.replies == [None]
    assert not asking.sockets._open
    await deferLater(REACTOR, 0.1)
    assert asking.replies == [None]


async def test_each_first_query_has_a_port_an_id_and_a_case_of_its_own(
    odd_name_server: OddNameServer,
) -> None:
    """A forger has to guess all three (RFC 5452, 0x20)."""
    for _ in range(20):
        asking = Asking(WAYS[1], odd_name_server.port)
        await asking.start()
        await asking.outcome()
        await asking.stop()
    queries = [query for _, query in odd_name_server.queries]
    assert len({query.id for query in queries}) > 15
    assert len({port for _, port in odd_name_server.peers}) > 15
    assert len({str(query.question[0].name) for query in queries}) == 20
