"""Addresses for whoever wants to connect."""

from twisted.internet import reactor

from smartdns.upstream.forwarder import Forwarder
from smartdns.upstream.look_up import LookUp, addresses_in
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer, answering
from tests.smartdns.upstream.asking import upstream, wire_name


def look_up(port: int) -> LookUp:
    """Look up at the upstream at `port`."""
    return LookUp(Forwarder(reactor, [upstream(port)], addresses_in))  # type: ignore[arg-type]


async def test_both_families_are_found_at_the_end_of_aliases(name_server: NameServer) -> None:
    """A name's addresses are those at the end of its chain, and hold as long as the shortest."""
    resolved = await look_up(name_server.port)(wire_name("alias.example.com"))
    assert resolved is not None
    assert [len(address) for address in resolved.addresses] == [4, 16]
    assert resolved.ttl == 100


async def test_a_name_without_addresses_is_not_a_failure(name_server: NameServer) -> None:
    """Absent and unanswered differ."""
    resolved = await look_up(name_server.port)(wire_name("nowhere.example.com"))
    assert resolved is not None
    assert not resolved.addresses


async def test_nobody_answers(odd_name_server: OddNameServer) -> None:
    """An upstream's failure is None."""
    odd_name_server.react = lambda query, transport: answering(query, rcode="SERVFAIL")
    assert await look_up(odd_name_server.port)(wire_name("a.example")) is None
