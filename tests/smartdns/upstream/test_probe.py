"""What a probe asks, and what it makes of what comes back."""

from collections.abc import Callable

import dns.flags
import dns.message
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from smartdns.answering.names import ROOT
from smartdns.answering.query import Name
from smartdns.answering.rules.loop_probe import SUFFIX, probe_name
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.probe import Probe
from smartdns.upstream.sockets import QuerySockets
from tests.peers.odd_name_server import OddNameServer, Reaction, address_of_everything, answering
from tests.peers.ports import free_port
from tests.smartdns.resolver.laboratory import REACTOR
from tests.smartdns.upstream.asking import upstream, wire_name

LOOP_NAME = probe_name(bytes(8), bytes(16))


def upstream_at(port: int) -> Upstream:
    """Give one of which nothing is known."""
    (member,) = Group.at(REACTOR, [upstream(port)]).members
    return member


async def probed(
    member: Upstream, apex: Name = ROOT, loop_name: Name | None = LOOP_NAME
) -> Upstream:
    """Send a probe and wait until it has ended."""
    ended: Deferred[Probe] = Deferred()
    Probe(QuerySockets(REACTOR), member, apex, loop_name, ended.callback)
    await ended
    await member.streams.close()
    return member


def last_label(query: dns.message.Message) -> str:
    """Give the top-level domain that is asked about, a dot for the root."""
    return str(query.question[0].name).lower().rstrip(".").rpartition(".")[2] or "."


def reply_with(rcode: str) -> Callable[[dns.message.Message, str], dns.message.Message]:
    """React to everything with `rcode`."""
    return lambda query, _: answering(query, rcode=rcode)


def truncated(query: dns.message.Message, transport: str) -> Reaction:
    """Refer to TCP, and say nothing there."""
    reply = answering(query)
    reply.flags |= dns.flags.TC
    return None if transport == "tcp" else reply


async def test_it_asks_two_questions_that_no_customer_asked(odd_name_server: OddNameServer) -> None:
    """About the root, and for a name that nobody else could make."""
    member = await probed(upstream_at(odd_name_server.port))
    assert not member.health.doubted
    about_root, about_us = sorted(
        (query for _, query in odd_name_server.queries), key=lambda query: query.question[0].name
    )
    assert about_root.question[0].to_text() == ". IN SOA"
    assert wire_name(str(about_us.question[0].name)) == LOOP_NAME
    assert not about_root.options
    assert not about_us.options


async def test_an_apex_alone_may_be_asked_about(odd_name_server: OddNameServer) -> None:
    """That of a home's own domain, of its router; where no loop is looked for, nothing else."""
    await probed(upstream_at(odd_name_server.port), wire_name("lan"), None)
    ((_, query),) = odd_name_server.queries
    assert query.question[0].to_text().lower() == "lan. in soa"


@pytest.mark.parametrize(
    "react",
    [reply_with("REFUSED"), reply_with("SERVFAIL"), reply_with("FORMERR"), truncated],
    ids=["REFUSED", "SERVFAIL", "FORMERR", "truncated"],
)
async def test_any_reply_shows_that_an_upstream_lives(
    odd_name_server: OddNameServer, react: Callable[..., Reaction]
) -> None:
    """What it says to questions of ours does not matter."""
    odd_name_server.react = react
    begun = REACTOR.seconds()
    member = await probed(upstream_at(odd_name_server.port))
    assert not member.health.doubted
    assert member.health.heard_since(begun)


@pytest.mark.parametrize("dropped", [".", "net"])
async def test_a_reply_to_one_of_the_two_suffices(
    odd_name_server: OddNameServer, dropped: str
) -> None:
    """Some resolvers drop questions about the root, others those about names of the Internet."""
    odd_name_server.react = lambda query, transport: (
        None if last_label(query) == dropped else address_of_everything(query, transport)
    )
    assert not (await probed(upstream_at(odd_name_server.port))).health.doubted


async def test_without_any_reply_it_is_lost(odd_name_server: OddNameServer) -> None:
    """Whether a closed port says so, or nothing is said at all."""
    odd_name_server.react = lambda *_: None
    for port in (free_port(), odd_name_server.port):
        member = await probed(upstream_at(port))
        assert member.health.doubted


async def test_our_own_reply_is_a_loop(odd_name_server: OddNameServer) -> None:
    """It ends the probe, though the other question goes round and round; and a loop may end."""

    def as_we_do(query: dns.message.Message, _: str) -> Reaction:
        name = query.question[0].name
        return None if last_label(query) == "." else answering(query, f"{name} 0 TXT loop")

    assert LOOP_NAME.endswith(SUFFIX)
    odd_name_server.react = as_we_do
    member = await probed(upstream_at(odd_name_server.port))
    assert member.health.looped
    assert not member.health.doubted
    odd_name_server.react = reply_with("NXDOMAIN")
    await probed(member)
    assert not member.health.looped


async def test_an_abandoned_one_judges_nothing(odd_name_server: OddNameServer) -> None:
    """Nor is anybody told that it ended."""
    odd_name_server.react = lambda *_: None
    member = upstream_at(odd_name_server.port)
    probe = Probe(QuerySockets(REACTOR), member, ROOT, LOOP_NAME, lambda _: pytest.fail("ended"))
    await deferLater(REACTOR, 0.05)
    probe.abandon()
    assert not member.health.doubted
