"""Misses: decided about in turn, dropped where they are late; a mistake of ours costs one."""

import dns.message
import dns.rcode
import pytest
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import deferLater

from smartdns.answering.rules.rate_limit import Verdict
from smartdns.resolver.fast.misses import LONGEST_WAIT_S, Miss
from smartdns.resolver.fast.port import FastPort
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer, address_of_everything, answering
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import MISTAKEN, REACTOR, Laboratory
from tests.smartdns.upstream import reactions
from tests.smartdns.upstream.peer import until

HERE = b"\x7f\0\0\1"


@pytest.fixture
def fast() -> bool:
    """They are the fast path's."""
    return True


def port_of(resolver: Laboratory) -> FastPort:
    """Give the one UDP socket of a resolver."""
    (port,) = resolver.listeners._datagram_ports
    assert isinstance(port, FastPort)
    return port


async def test_after_a_query_that_we_trip_over_the_next_one_is_answered(
    make_resolver: Make, name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds such a query stops nobody else's; it gets SERVFAIL, and it is told of."""
    resolver = make_resolver(name_server.port)
    failures: list[object] = []
    monkeypatch.setattr(resolver.responder._log, "failure", lambda *said: failures.append(said))
    with monkeypatch.context() as mistaken:
        mistaken.setattr(resolver.knowledge, "catalog", MISTAKEN)
        assert (await resolver.ask("www.example.com")).rcode() == dns.rcode.SERVFAIL
    assert len(failures) == 1
    assert (await resolver.ask("www.example.com")).answer


async def test_the_first_query_of_most_misses_leaves_from_the_loop(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Each from a socket opened ahead, which no other question uses; the cache learns of it."""
    resolver = make_resolver(odd_name_server.port)
    await resolver.ask("first.example.com")
    for name in ("b.example.com", "C.eXample.com", "d.example.com"):
        assert (await resolver.ask(name)).answer
    assert len({port for _, port in odd_name_server.peers}) == len(odd_name_server.peers)
    count = len(odd_name_server.queries)
    assert (await resolver.ask("b.example.com")).answer[0].ttl <= 300
    assert len(odd_name_server.queries) == count
    assert not resolver.forwarder.in_flight


async def test_what_waited_for_too_long_is_dropped(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Who asked has asked again by then; what comes next is answered."""
    resolver = make_resolver(odd_name_server.port)
    port = port_of(resolver)
    came_at = resolver.responder.clock() - 2 * LONGEST_WAIT_S
    query = dns.message.make_query("a.example.com", "A").to_wire()
    port._misses.waiting.append(Miss(query, HERE, (b"", b""), Verdict.GO, came_at))
    await until(lambda: port.dropped == 1)
    assert not odd_name_server.queries
    assert (await resolver.ask("a.example.com")).answer


async def test_every_datagram_is_counted_once(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Asked upstream, from the cache, from the memo, refused: each under one word."""
    resolver = make_resolver(odd_name_server.port)
    odd_name_server.react = address_of_everything
    for number in range(3):
        for _ in range(4):
            assert (await resolver.ask(f"p{number}.example.com")).answer
    await resolver.ask("p.example.com", source="127.0.0.2")
    metrics = resolver.listeners.metrics()
    counted = {word: n for word, n in metrics.items() if word.startswith("queries:") and n}
    assert counted == {"queries:answered": 3, "queries:remembered": 10}


async def test_what_the_loop_asked_upstream_is_answered_before_the_end(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """A worker that is replaced waits for such questions as for all others."""
    resolver = make_resolver(odd_name_server.port)
    await resolver.ask("first.example.com")
    (member,) = resolver.forwarder.upstreams
    for _ in range(20):  # an upstream that is far away, so that a second is nothing unusual
        member.health.answered(0.9, REACTOR.seconds())
    odd_name_server.delay = 0.6
    asked = ensureDeferred(resolver.ask("late.example.com"))
    while len(odd_name_server.queries) == 1:
        await deferLater(REACTOR, 0.01)
    assert resolver.responder.in_flight == 1
    await resolver.listeners.stopService()
    assert (await asked).answer
    assert len(odd_name_server.queries) == 2


async def test_replies_of_every_kind_reach_who_asked_from_the_loop(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Private addresses, aliases, absence, truncation, lost case: as on any other way."""
    resolver = make_resolver(odd_name_server.port)
    await resolver.ask("first.example.com")
    private = "e.example.com. 60 A 192.168.1.1"
    odd_name_server.react = lambda query, _: answering(query, private)
    assert not (await resolver.ask("e.example.com")).answer
    alias = ("f.example.com. 60 CNAME g.example.com.", "g.example.com. 60 A 198.51.100.3")
    odd_name_server.react = lambda query, _: answering(query, *alias)
    assert len((await resolver.ask("f.example.com")).answer) == 2
    odd_name_server.react = reactions.absent
    assert (await resolver.ask("h.example.com")).rcode() == dns.rcode.NXDOMAIN
    for name, react in (("i", reactions.in_a_stream), ("jjjjjjjjjj", reactions.in_lower_case)):
        odd_name_server.react = react
        reply = await resolver.ask(f"{name}.example.com")
        assert str(reply.answer[0][0]) == "198.51.100.77"
    assert not resolver.forwarder.in_flight
