"""Forwarding to real and to misbehaving upstreams."""

import dns.flags
import dns.message
import pytest
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater

from smartdns.answering.numbers import NOERROR, NXDOMAIN, SERVFAIL
from smartdns.upstream.forwarder import Forwarder
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer, address_of_everything, answering
from tests.peers.ports import free_port
from tests.peers.waiting import undisturbed_s
from tests.smartdns.upstream.asking import forwarder, question, said, upstream, wire_name
from tests.smartdns.upstream.reactions import (
    FORGERIES,
    failing,
    in_lower_case,
    silence,
    without_edns,
    wrong_id,
)


async def test_a_real_name_server_answers(name_server: NameServer) -> None:
    """Records of a real server come back whole, with the chain of aliases that leads to them."""
    reply = await forwarder(name_server.port).forward(question("alias.example.com"))
    assert reply is not None
    assert reply.rcode == NOERROR
    assert [record.type for record in reply.answer] == [5, 5, 5, 1]
    assert reply.answer[-1].data == bytes([198, 51, 100, 1])


async def test_absence_comes_with_its_soa(name_server: NameServer) -> None:
    """NXDOMAIN is an answer, not a failure."""
    reply = await forwarder(name_server.port).forward(question("nowhere.example.com"))
    assert reply is not None
    assert reply.rcode == NXDOMAIN
    assert [record.type for record in reply.authority] == [6]


async def test_what_is_too_big_for_a_datagram_comes_over_tcp(name_server: NameServer) -> None:
    """A truncated reply is fetched again, whole, over TCP."""
    resolving = forwarder(name_server.port)
    reply = await resolving.forward(question("huge.example.com", "TXT"))
    await resolving.stopService()
    assert reply is not None
    assert not reply.truncated
    assert len(reply.answer) == 60


async def test_equal_questions_share_one_exchange(odd_name_server: OddNameServer) -> None:
    """However many ask the same at once, one query goes upstream and all get its reply."""
    odd_name_server.delay = 0.05
    resolving = forwarder(odd_name_server.port)
    replies = await gatherResults([resolving.forward(question("a.example")) for _ in range(20)])
    assert len(replies) == 20
    assert all(reply is not None for reply in replies)
    assert len(odd_name_server.queries) == 1
    assert resolving.in_flight == 0


async def test_one_who_stops_waiting_takes_nothing_from_the_others(
    odd_name_server: OddNameServer,
) -> None:
    """A client that goes away does not end the exchange that others share with it."""
    odd_name_server.delay = 0.05
    resolving = forwarder(odd_name_server.port)
    goes = resolving.forward(question("a.example"))
    stays = resolving.forward(question("a.example"))
    goes.addErrback(lambda _: None)
    goes.cancel()
    assert await stays is not None


async def test_ids_ports_and_case_are_random(odd_name_server: OddNameServer) -> None:
    """A forger has to guess ID, port and the case of every letter (RFC 5452, 0x20)."""
    resolving = forwarder(odd_name_server.port)
    for number in range(20):
        await resolving.forward(question(f"abcdefghijklmnopqrstuvwxyz.n{number}.example"))
    queries = [query for _, query in odd_name_server.queries]
    assert len({query.id for query in queries}) > 15
    assert len({port for _, port in odd_name_server.peers}) > 15
    assert len({str(query.question[0].name)[:26] for query in queries}) == 20


async def test_a_lost_datagram_is_sent_again(odd_name_server: OddNameServer) -> None:
    """One query without an answer is followed by another."""

    def deaf_once(query: dns.message.Message, transport: str) -> dns.message.Message | None:
        return None if len(odd_name_server.queries) == 1 else address_of_everything(query, "")

    odd_name_server.react = deaf_once
    assert await forwarder(odd_name_server.port).forward(question("a.example")) is not None
    assert len(odd_name_server.queries) == 2


async def test_a_closed_port_means_the_next_upstream_at_once(name_server: NameServer) -> None:
    """A host that says there is nobody costs no waiting."""
    began = undisturbed_s()
    reply = await forwarder(free_port(), name_server.port).forward(question("www.example.com"))
    assert reply is not None
    assert undisturbed_s() - began < 0.35


async def test_a_slow_upstream_is_overtaken(
    odd_name_server: OddNameServer, name_server: NameServer
) -> None:
    """While the first upstream takes its time the second one is asked, and answers."""
    odd_name_server.delay = 3.0
    began = undisturbed_s()
    resolving = forwarder(odd_name_server.port, name_server.port)
    assert await resolving.forward(question("www.example.com")) is not None
    assert undisturbed_s() - began < 2.0


async def test_nobody_answers_within_the_budget(odd_name_server: OddNameServer) -> None:
    """After 3.5 s there is an end to it, whatever the upstreams do."""
    odd_name_server.react = silence
    began, undisturbed = reactor.seconds(), undisturbed_s()  # type: ignore[attr-defined]
    assert await forwarder(odd_name_server.port).forward(question("a.example")) is None
    assert reactor.seconds() - began > 3.3  # type: ignore[attr-defined]
    assert undisturbed_s() - undisturbed < 5.0
    assert 2 < len(odd_name_server.queries) < 6


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
async def test_an_error_of_one_upstream_is_put_to_the_next(
    odd_name_server: OddNameServer, name_server: NameServer, rcode: str
) -> None:
    """What one upstream cannot answer another one may."""
    odd_name_server.react = lambda query, transport: answering(query, rcode=rcode)
    resolving = forwarder(odd_name_server.port, name_server.port)
    reply = await resolving.forward(question("www.example.com"))
    assert reply is not None
    assert reply.rcode == NOERROR


async def test_an_error_of_all_upstreams_comes_back(odd_name_server: OddNameServer) -> None:
    """When nobody knows better the upstream's own error is the result, without more ado."""
    odd_name_server.react = failing
    reply = await forwarder(odd_name_server.port).forward(question("a.example"))
    assert reply is not None
    assert reply.rcode == SERVFAIL
    assert len(odd_name_server.queries) == 1


@pytest.mark.parametrize("forge", FORGERIES)
async def test_what_does_not_fit_the_query_is_passed_over(
    odd_name_server: OddNameServer, forge: object
) -> None:
    """A forged or broken datagram neither becomes the answer nor ends the waiting for it."""
    odd_name_server.react = lambda query, transport: [
        forge(query),  # type: ignore[operator]
        address_of_everything(query, transport),
    ]
    reply = await forwarder(odd_name_server.port).forward(question("a.example"))
    assert reply is not None
    assert reply.answer[0].data == bytes([198, 51, 100, 77])
    assert len(odd_name_server.queries) == 1


async def test_a_guesser_of_ids_gets_few_tries(odd_name_server: OddNameServer) -> None:
    """A hail of wrong IDs at one port makes us leave that port."""
    guesses = 200
    odd_name_server.react = lambda query, transport: (
        [wrong_id(query)] * guesses + [address_of_everything(query, transport)]
    )
    assert await forwarder(odd_name_server.port).forward(question("a.example")) is None


async def test_an_upstream_that_changes_case_is_asked_again_over_tcp(
    odd_name_server: OddNameServer,
) -> None:
    """0x20 falls back to a stream, and the next question is sent in plain case at once."""
    odd_name_server.react = in_lower_case
    resolving = forwarder(odd_name_server.port)
    assert await resolving.forward(question("abcdefghijklmnop.example")) is not None
    assert [transport for transport, _ in odd_name_server.queries] == ["udp", "tcp"]
    assert await resolving.forward(question("qrstuvwxyzabcdefg.example")) is not None
    assert [transport for transport, _ in odd_name_server.queries] == ["udp", "tcp", "udp"]
    await resolving.stopService()


async def test_an_upstream_that_knows_no_edns_is_asked_without(
    odd_name_server: OddNameServer,
) -> None:
    """FORMERR to an OPT record is the answer of old software, not of the name."""
    odd_name_server.react = without_edns
    reply = await forwarder(odd_name_server.port).forward(question("a.example"))
    assert reply is not None
    assert reply.rcode == NOERROR


async def test_a_name_below_a_suffix_goes_to_that_suffix_upstream(
    odd_name_server: OddNameServer, name_server: NameServer
) -> None:
    """A home's own domain is asked of its router, everything else is not."""
    router = [upstream(odd_name_server.port)]
    resolving = Forwarder(
        reactor,  # type: ignore[arg-type]
        [upstream(name_server.port)],
        said,
        {wire_name("lan"): router},
    )
    inside = await resolving.forward(question("printer.lan"))
    outside = await resolving.forward(question("www.example.com"))
    assert inside is not None
    assert outside is not None
    assert inside.answer[0].data == bytes([198, 51, 100, 77])
    assert outside.answer[0].data == bytes([198, 51, 100, 1])
    assert len(odd_name_server.queries) == 1


async def test_work_under_way_is_bounded(odd_name_server: OddNameServer) -> None:
    """Beyond the limit a question comes back at once, without a query."""
    odd_name_server.delay = 0.2
    resolving = forwarder(odd_name_server.port, in_flight=5)
    asked = [resolving.forward(question(f"n{number}.example")) for number in range(9)]
    assert [d.called for d in asked].count(True) == 4
    replies = await gatherResults(asked)
    assert sum(reply is not None for reply in replies) == 5


async def test_stopping_ends_what_is_under_way(odd_name_server: OddNameServer) -> None:
    """On shutdown those who wait are told at once and no timer is left."""
    odd_name_server.react = silence
    resolving = forwarder(odd_name_server.port)
    asked = resolving.forward(question("a.example"))
    await deferLater(reactor, 0.05)
    await resolving.stopService()
    assert await asked is None


async def test_no_more_is_asked_than_the_question(odd_name_server: OddNameServer) -> None:
    """A query upstream carries no client subnet, no cookie, nothing of who asked (RFC 7871)."""
    await forwarder(odd_name_server.port).forward(question("a.example", dnssec_ok=True))
    ((_, query),) = odd_name_server.queries
    assert not query.options
    assert query.payload == 1232
    assert query.ednsflags & dns.flags.DO
    assert query.flags & dns.flags.RD
