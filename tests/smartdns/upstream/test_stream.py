"""Upstreams over TLS and TCP: trust, reuse, pipelining, connections that end."""

import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import dns.message
import pytest
import pytest_twisted
from twisted.internet import reactor, ssl
from twisted.internet.defer import gatherResults
from twisted.internet.task import deferLater

from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.forwarder import Forwarder
from tests.peers.certificates import self_signed
from tests.peers.odd_name_server import OddNameServer, address_of_everything, answering
from tests.smartdns.upstream.asking import forwarder, question, said, upstream

HOST = "dns.example.com"


@pytest_twisted.async_yield_fixture
async def over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OddNameServer]:
    """An upstream with a certificate that this process trusts."""
    pair = self_signed(HOST, tmp_path, datetime.timedelta(days=1))
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.certificate))
    server = OddNameServer(reactor)
    server.start(ssl.DefaultOpenSSLContextFactory(str(pair.key), str(pair.certificate)))
    yield server
    await server.stop()


def to(server: OddNameServer, name: str = HOST) -> Forwarder[UpstreamReply | None]:
    """Forward to `server` over TLS, expecting a certificate of `name`."""
    return Forwarder(reactor, [upstream(server.port, name)], said)  # type: ignore[arg-type]


async def test_queries_share_one_connection(over_tls: OddNameServer) -> None:
    """Connections are reused and pipelined: twenty questions at once, then one more."""
    over_tls.delay = 0.02
    resolving = to(over_tls)
    replies = await gatherResults([resolving.forward(question(f"n{n}.example")) for n in range(20)])
    assert all(reply is not None and reply.answer for reply in replies)
    assert await resolving.forward(question("last.example")) is not None
    assert over_tls.connections == 1
    assert {transport for transport, _ in over_tls.queries} == {"tcp"}
    await resolving.stopService()


async def test_queries_are_padded(over_tls: OddNameServer) -> None:
    """The length of an encrypted query says little of its name (RFC 8467)."""
    resolving = to(over_tls)
    for name in ("a.example", "a-much-longer-name-than-the-other.example"):
        await resolving.forward(question(name))
    assert {query.pad for _, query in over_tls.queries} == {0}
    assert {len(query.wire) for _, query in over_tls.queries} == {128}
    await resolving.stopService()


@pytest.mark.parametrize("name", ["other.example.com", "127.0.0.1"])
async def test_a_certificate_of_another_name_is_not_trusted(
    over_tls: OddNameServer, name: str
) -> None:
    """Nothing is asked of whoever cannot show the name that the operator gave."""
    resolving = to(over_tls, name)
    assert await resolving.forward(question("a.example")) is None
    assert over_tls.queries == []
    await resolving.stopService()


async def test_a_certificate_of_nobody_we_trust_is_not_trusted(
    over_tls: OddNameServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The right name is not enough; the system's authorities must vouch for it."""
    other = self_signed("authority.example", tmp_path, datetime.timedelta(days=1))
    monkeypatch.setenv("SSL_CERT_FILE", str(other.certificate))
    resolving = to(over_tls)
    assert await resolving.forward(question("a.example")) is None
    assert over_tls.queries == []
    await resolving.stopService()


async def test_a_connection_that_was_closed_idle_is_no_failure(over_tls: OddNameServer) -> None:
    """What is sent just as the upstream closes an idle connection is sent again on a new one."""
    resolving = to(over_tls)
    assert await resolving.forward(question("a.example")) is not None

    def close_once(query: dns.message.Message, transport: str) -> dns.message.Message | None:
        if over_tls.connections == 1:
            over_tls.open[0].transport.loseConnection()  # type: ignore[union-attr]
            return None
        return address_of_everything(query, transport)

    over_tls.react = close_once
    assert await resolving.forward(question("b.example")) is not None
    assert over_tls.connections == 2
    await resolving.stopService()


async def test_a_connection_that_went_dead_is_given_up(over_tls: OddNameServer) -> None:
    """Silence on a connection does not outlive the exchange; the next one has a new connection."""
    resolving = to(over_tls)
    assert await resolving.forward(question("a.example")) is not None
    over_tls.react = lambda query, transport: None
    assert await resolving.forward(question("b.example")) is None
    over_tls.react = address_of_everything
    assert await resolving.forward(question("c.example")) is not None
    assert over_tls.connections == 2
    await resolving.stopService()


async def test_replies_out_of_order_find_their_questions(odd_name_server: OddNameServer) -> None:
    """Each reply goes to whoever asked for it, whichever comes first."""

    def react(query: dns.message.Message, transport: str) -> dns.message.Message:
        if transport == "udp":
            truncated = answering(query)
            truncated.flags |= 0x0200
            return truncated
        odd_name_server.delay = 0.1 - odd_name_server.delay
        return address_of_everything(query, transport)

    odd_name_server.react = react
    resolving = forwarder(odd_name_server.port)
    names = [f"n{number}.example" for number in range(10)]
    replies = await gatherResults([resolving.forward(question(name)) for name in names])
    for name, reply in zip(names, replies, strict=True):
        assert reply is not None
        assert reply.answer[0].name == question(name).question.name
    await resolving.stopService()


async def test_stopping_leaves_no_connection(over_tls: OddNameServer) -> None:
    """Once stopped nothing is open, not even what was just being made."""
    resolving = to(over_tls)
    asked = resolving.forward(question("a.example"))
    await deferLater(reactor, 0)
    await resolving.stopService()
    assert await asked is None
