"""Upstreams asked by a chosen way, in datagrams and in streams."""

import dns.flags
import dns.message
import pytest

from smartdns.upstream.egress import Direct
from tests.peers.odd_name_server import OddNameServer, address_of_everything
from tests.smartdns.upstream.asking import asked_by, question


def truncated_in_datagrams(query: dns.message.Message, transport: str) -> dns.message.Message:
    """Answer in full over TCP only."""
    reply = address_of_everything(query, transport)
    if transport == "udp":
        reply.flags |= dns.flags.TC
        reply.answer.clear()
    return reply


@pytest.mark.parametrize(
    ("egress", "source"),
    [
        (Direct("127.0.0.9"), "127.0.0.9"),
        (Direct("127.0.0.9", interface="lo"), "127.0.0.9"),
        (Direct(interface="lo"), "127.0.0.1"),
    ],
)
async def test_both_transports_leave_by_the_egress(
    odd_name_server: OddNameServer, egress: Direct, source: str
) -> None:
    """The datagram, and the stream after a truncated answer, come from the chosen address."""
    odd_name_server.react = truncated_in_datagrams
    resolving = asked_by(egress, odd_name_server.port)
    reply = await resolving.forward(question("big.example"))
    assert reply is not None
    assert reply.answer
    assert [transport for transport, _ in odd_name_server.queries] == ["udp", "tcp"]
    assert {host for host, _ in odd_name_server.peers} == {source}
    await resolving.stopService()


@pytest.mark.parametrize("tls_name", [None, "dns.example.com"])
@pytest.mark.parametrize("egress", [Direct("192.0.2.77"), Direct(interface="no-such-one")])
async def test_a_egress_that_is_not_there_is_no_other_way(
    odd_name_server: OddNameServer, egress: Direct, tls_name: str | None
) -> None:
    """Without its address or interface a region asks nobody, rather than from elsewhere."""
    resolving = asked_by(egress, odd_name_server.port, tls_name)
    assert await resolving.forward(question("some.example")) is None
    assert odd_name_server.peers == []
    await resolving.stopService()
