"""Chains of aliases that an upstream leaves unfinished, chased on real sockets."""

from collections.abc import Callable

import dns.message
import dns.rrset
import pytest
from twisted.internet import reactor

from smartdns.answering.memory.cache import Answer
from smartdns.answering.memory.exchange import BUDGET_S
from smartdns.answering.numbers import NOERROR, NXDOMAIN
from smartdns.answering.plan import Forward
from smartdns.answering.replies.sanitize import LONGEST_CHAIN, sanitize
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.forwarder import Forwarder
from tests.peers.odd_name_server import OddNameServer, answering
from tests.smartdns.upstream.asking import question, upstream, wire_name

Zone = dict[str, str]
"""Name -> the one record it has, "TTL TYPE DATA"; asked for another name, it knows nothing."""


def lazy(zone: Zone) -> Callable[[dns.message.Message, str], dns.message.Message]:
    """Answer with the one record of the name, and never look where it leads."""

    def react(query: dns.message.Message, _: str) -> dns.message.Message:
        name = str(query.question[0].name).lower()
        if name in zone:
            return answering(query, f"{query.question[0].name} {zone[name]}")
        reply = answering(query, rcode="NXDOMAIN")
        soa = "ns.example. admin.example. 1 2 3 4 60"
        reply.authority.append(dns.rrset.from_text("example.", 60, "IN", "SOA", soa))
        return reply

    return react


def heard(plan: Forward, said: UpstreamReply | None) -> Answer | None:
    """Conclude as the resolver does, without its memory."""
    return None if said is None else sanitize(plan.question, said, dnssec_ok=plan.dnssec_ok)


def resolving(*ports: int, **suffixes: int) -> Forwarder[Answer | None]:
    """Give a forwarder to upstreams on loopback, each suffix with one of its own."""
    special = {wire_name(name): [upstream(port)] for name, port in suffixes.items()}
    return Forwarder(reactor, [upstream(port) for port in ports], heard, special)  # type: ignore[arg-type]


async def test_an_unfinished_chain_is_chased_to_its_end(odd_name_server: OddNameServer) -> None:
    """Each part is asked for once, and the answer is the one that a full resolver would give."""
    odd_name_server.react = lazy(
        {
            "a.example.": "300 CNAME b.example.",
            "b.example.": "200 CNAME c.example.",
            "c.example.": "100 A 198.51.100.1",
        }
    )
    answer = await resolving(odd_name_server.port).forward(question("a.example"))
    assert answer is not None
    assert [(record.type, record.ttl) for record in answer.answer] == [(5, 300), (5, 200), (1, 100)]
    assert (answer.rcode, answer.ttl) == (NOERROR, 100)
    assert len(odd_name_server.queries) == 3


async def test_a_chain_to_nowhere_ends_in_its_absence(odd_name_server: OddNameServer) -> None:
    """NXDOMAIN of the last name, with its SOA; the first name itself is not denied (RFC 8020)."""
    odd_name_server.react = lazy({"a.example.": "300 CNAME b.example."})
    answer = await resolving(odd_name_server.port).forward(question("a.example"))
    assert answer is not None
    assert (answer.rcode, answer.denies_name) == (NXDOMAIN, False)
    assert [record.type for record in answer.answer + answer.authority] == [5, 6]


@pytest.mark.parametrize("length", [1, 2, 5])
async def test_a_chain_in_a_circle_ends(odd_name_server: OddNameServer, length: int) -> None:
    """Whoever leads us round is asked for each name once, and believed nothing."""
    zone = {f"n{n}.example.": f"300 CNAME n{(n + 1) % length}.example." for n in range(length)}
    odd_name_server.react = lazy(zone)
    assert await resolving(odd_name_server.port).forward(question("n0.example")) is None
    assert len(odd_name_server.queries) <= length


async def test_a_chain_without_end_is_left(odd_name_server: OddNameServer) -> None:
    """The work that one question costs is bounded."""
    odd_name_server.react = lazy(
        {f"n{n}.example.": f"300 CNAME n{n + 1}.example." for n in range(100)}
    )
    assert await resolving(odd_name_server.port).forward(question("n0.example")) is None
    assert len(odd_name_server.queries) == LONGEST_CHAIN + 1


async def test_the_whole_chase_has_one_budget(odd_name_server: OddNameServer) -> None:
    """An upstream that is slow at each part is given no more time than for one question."""
    odd_name_server.react = lazy(
        {f"n{n}.example.": f"300 CNAME n{n + 1}.example." for n in range(10)}
    )
    odd_name_server.delay = 0.9
    began = reactor.seconds()  # type: ignore[attr-defined]
    assert await resolving(odd_name_server.port).forward(question("n0.example")) is None
    assert reactor.seconds() - began < BUDGET_S + 1  # type: ignore[attr-defined]


async def test_a_part_that_fails_fails_the_whole(odd_name_server: OddNameServer) -> None:
    """Half a chain looks like a name without addresses; rather SERVFAIL, which is not kept long."""

    def refuses_what_is_not_its(query: dns.message.Message, _: str) -> dns.message.Message:
        if str(query.question[0].name).lower() == "a.example.":
            return answering(query, f"{query.question[0].name} 300 CNAME www.other.example.")
        return answering(query, rcode="REFUSED")

    odd_name_server.react = refuses_what_is_not_its
    assert await resolving(odd_name_server.port).forward(question("a.example")) is None


async def test_an_upstream_that_has_no_more_to_say_is_not_asked_again(
    odd_name_server: OddNameServer,
) -> None:
    """An empty answer without a SOA for the end of a chain is its end."""

    def knows_aliases_only(query: dns.message.Message, _: str) -> dns.message.Message:
        if str(query.question[0].name).lower() == "a.example.":
            return answering(query, f"{query.question[0].name} 300 CNAME b.example.")
        return answering(query)

    odd_name_server.react = knows_aliases_only
    answer = await resolving(odd_name_server.port).forward(question("a.example"))
    assert answer is not None
    assert [record.type for record in answer.answer] == [5]
    assert answer.ttl == 0
    assert len(odd_name_server.queries) == 2


async def test_a_chain_into_the_home_is_asked_of_its_router(
    odd_name_server: OddNameServer,
) -> None:
    """The suffix decides about every part of a chain."""
    router = OddNameServer(reactor)
    router.start()
    router.react = lazy({"nas.lan.": "60 A 192.168.1.9"})
    odd_name_server.react = lazy({"a.example.": "300 CNAME nas.lan."})
    answer = await resolving(odd_name_server.port, lan=router.port).forward(question("a.example"))
    await router.stop()
    assert answer is not None
    assert answer.answer[-1].data == bytes([192, 168, 1, 9])


@pytest.mark.parametrize("target", ["x.onion", "localhost", "nas.home.arpa"])
async def test_a_chain_to_a_local_name_goes_no_further(
    odd_name_server: OddNameServer, target: str
) -> None:
    """A public name cannot make us ask upstream for what we never ask upstream."""
    odd_name_server.react = lazy({"a.example.": f"300 CNAME {target}."})
    answer = await resolving(odd_name_server.port).forward(question("a.example"))
    assert answer is not None
    assert [record.type for record in answer.answer] == [5]
    assert len(odd_name_server.queries) == 1


@pytest.mark.parametrize("says_alias", [True, False], ids=["with its CNAME", "alone"])
async def test_a_redirect_of_a_tree_is_followed(
    odd_name_server: OddNameServer, *, says_alias: bool
) -> None:
    """DNAME (RFC 6672), whether the upstream spells out what it makes of the name or not."""

    def react(query: dns.message.Message, _: str) -> dns.message.Message:
        if "tree" not in str(query.question[0].name).lower():
            return answering(query, f"{query.question[0].name} 100 A 198.51.100.1")
        reply = answering(query, "tree.example. 300 DNAME leaf.example.")
        if says_alias:
            alias = f"{query.question[0].name} 300 CNAME www.leaf.example."
            reply.answer += answering(query, alias).answer
        return reply

    odd_name_server.react = react
    answer = await resolving(odd_name_server.port).forward(question("www.tree.example"))
    assert answer is not None
    assert [(record.type, record.ttl) for record in answer.answer] == [
        (39, 300),
        (5, 300),
        (1, 100),
    ]
    assert len(odd_name_server.queries) == 2
