"""Common misses: the short cut where it can be taken, and the same outcome where it cannot."""

import time

import dns.flags
import dns.message
import dns.rcode
import pytest
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater

from tests.peers.odd_name_server import OddNameServer, address_of_everything, answering
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import Laboratory


@pytest.fixture
def fast() -> bool:
    """The plain path has no short cut."""
    return True


async def ready(resolver: Laboratory) -> None:
    """Ask once, so that sockets are kept ready."""
    await resolver.ask("first.example.com")
    while not resolver.forwarder.shots.ready:
        await deferLater(reactor, 0.01)


async def test_a_plain_reply_goes_straight_to_the_asker(
    make_resolver: Make, odd_name_server: OddNameServer, decided: list[bytes]
) -> None:
    """Its case, its cookie, its size; from sockets of their own; and the cache has learned it."""
    resolver = make_resolver(odd_name_server.port)
    await ready(resolver)
    decided.clear()
    for name in ("b.example.com", "C.eXample.com", "d.example.com"):
        reply = await resolver.ask(name)
        assert str(reply.answer[0][0]) == "198.51.100.77"
        assert reply.flags & dns.flags.RA
    assert not decided
    assert len({port for _, port in odd_name_server.peers}) == len(odd_name_server.peers)
    count = len(odd_name_server.queries)
    assert (await resolver.ask("b.example.com")).answer[0].ttl <= 300
    assert len(odd_name_server.queries) == count
    assert not resolver.forwarder.in_flight


async def test_odd_replies_have_the_outcome_of_the_long_way(
    make_resolver: Make, odd_name_server: OddNameServer, decided: list[bytes]
) -> None:
    """Aliases, denials, private addresses, truncation, lost case: as without the short cut."""
    resolver = make_resolver(odd_name_server.port)
    await ready(resolver)
    private = "e.example.com. 60 A 192.168.1.1"
    odd_name_server.react = lambda query, _: answering(query, private)
    assert not (await resolver.ask("e.example.com")).answer
    alias = ("f.example.com. 60 CNAME g.example.com.", "g.example.com. 60 A 198.51.100.3")
    odd_name_server.react = lambda query, _: answering(query, *alias)
    assert len((await resolver.ask("f.example.com")).answer) == 2
    odd_name_server.react = lambda query, _: answering(query, rcode="NXDOMAIN")
    assert (await resolver.ask("h.example.com")).rcode() == dns.rcode.NXDOMAIN

    def cut(query: dns.message.Message, transport: str) -> dns.message.Message:
        reply = address_of_everything(query, transport)
        if transport == "udp":
            reply.flags |= dns.flags.TC
            reply.answer.clear()
        return reply

    odd_name_server.react = cut
    assert str((await resolver.ask("i.example.com")).answer[0][0]) == "198.51.100.77"

    def lower(query: dns.message.Message, transport: str) -> bytes:
        return address_of_everything(query, transport).to_wire().lower()

    odd_name_server.react = lower
    assert (await resolver.ask("jjjjjjjjjj.example.com")).answer
    assert len(decided) >= 5


async def test_a_forged_reply_is_not_taken(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Another ID, another question: ignored, and the right one that follows is taken."""
    resolver = make_resolver(odd_name_server.port)
    await ready(resolver)

    def forge(query: dns.message.Message, _: str) -> list[bytes]:
        right = answering(query, f"{query.question[0].name} 60 A 198.51.100.1").to_wire()
        other_id = bytes((right[0] ^ 1,)) + right[1:-1] + b"\x66"
        other_name = right[:13] + bytes((right[13] ^ 3,)) + right[14:-1] + b"\x66"
        return [other_id, other_name, right]

    odd_name_server.react = forge
    reply = await resolver.ask("k.example.com")
    assert str(reply.answer[0][0]) == "198.51.100.1"


async def test_a_lost_query_is_asked_again_in_time(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """The long way takes over what was sent, and asks again when it would have."""
    resolver = make_resolver(odd_name_server.port)
    await ready(resolver)
    odd_name_server.react = lambda query, transport: (
        None if len(odd_name_server.queries) < 3 else address_of_everything(query, transport)
    )
    began = time.monotonic()
    assert (await resolver.ask("l.example.com")).answer
    assert time.monotonic() - began < 2.0
    assert not resolver.forwarder.in_flight


async def test_equal_questions_share_one_query(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Whoever asks what is under way waits with the first one, and both are answered."""
    resolver = make_resolver(odd_name_server.port)
    await ready(resolver)
    odd_name_server.delay = 0.1
    count = len(odd_name_server.queries)
    both = [ensureDeferred(resolver.ask("m.example.com")) for _ in range(2)]
    assert all(reply.answer for reply in await gatherResults(both))
    assert len(odd_name_server.queries) <= count + 1


async def test_ready_sockets_are_closed_in_the_end(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """What nobody uses for long does not stay open, nor anything at the end."""
    resolver = make_resolver(odd_name_server.port)
    await ready(resolver)
    shots = resolver.forwarder.shots
    shots._drop_older_than(reactor.seconds() + 1)  # type: ignore[attr-defined]
    assert not shots.ready
    assert (await resolver.ask("n.example.com")).answer
    await resolver.forwarder.stopService()
    assert not shots.ready


async def test_what_is_under_way_is_answered_before_the_end(
    make_resolver: Make, odd_name_server: OddNameServer, decided: list[bytes]
) -> None:
    """A worker that is replaced waits for the queries of the short cut as for all others."""
    resolver = make_resolver(odd_name_server.port)
    await ready(resolver)
    (upstream,) = resolver.forwarder.upstreams
    for _ in range(20):  # an upstream that is far away, so that a second is nothing unusual
        upstream.health.answered(0.9, reactor.seconds())
    decided.clear()
    odd_name_server.delay = 0.6
    count = len(odd_name_server.queries)
    asked = ensureDeferred(resolver.ask("o.example.com"))
    while len(odd_name_server.queries) == count:
        await deferLater(reactor, 0.01)
    assert resolver.responder.in_flight == 1
    await resolver.listeners.stopService()
    assert (await asked).answer
    assert not decided


async def test_a_miss_that_takes_it_is_no_remembered_one(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """It is counted once, among the answered."""
    resolver = make_resolver(odd_name_server.port)
    await ready(resolver)
    (port,) = resolver.listeners._datagram_ports
    remembered, answered = port.remembered, resolver.responder.outcomes["answered"]
    for number in range(3):
        assert (await resolver.ask(f"p{number}.example.com")).answer
    assert port.remembered == remembered
    assert resolver.responder.outcomes["answered"] == answered + 3
