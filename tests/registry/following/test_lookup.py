"""Looking a followed name up: which servers are asked, in what order, and what counts."""

import itertools
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import pytest

from registry.following import lookup
from registry.following.lookup import look_up, system_name_servers
from smartdns.contract.addresses import SocketAddress, parse_address, parse_socket_address
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.registry.datagram_server import DatagramServer

WWW = {4: [IPv4Address("198.51.100.1")], 6: [IPv6Address("2001:db8::1")]}


def address_of(server: NameServer) -> SocketAddress:
    """Where to ask it."""
    return SocketAddress(parse_address(server.host), server.port)


def refusing(octets: bytes) -> Iterable[bytes]:
    """REFUSED, as of a server that serves somebody else."""
    response = dns.message.make_response(dns.message.from_wire(octets))
    response.set_rcode(dns.rcode.REFUSED)
    return [response.to_wire()]


def test_name_servers_are_those_of_resolv_conf(tmp_path: Path) -> None:
    """In order, each once, IPv6 with its zone too; what cannot be read is skipped."""
    file = tmp_path / "resolv.conf"
    file.write_text(
        "# nameserver 192.0.2.9\nsearch example.net\nnameserver 192.0.2.1\noptions timeout:1\n"
        "nameserver fe80::1%lo\nnameserver nonsense\nnameserver\nnameserver 192.0.2.1\n"
    )
    found = system_name_servers(file)
    assert [str(server.address) for server in found] == ["192.0.2.1", "fe80::1%lo"]
    assert {server.port for server in found} == {53}
    assert system_name_servers(tmp_path / "absent") == ()


def test_names_are_looked_up_for_both_families(name_server: NameServer) -> None:
    """Through aliases; a name without addresses has none, one that is not there has none too."""
    servers = [address_of(name_server)]
    assert look_up(servers, "www.example.com") == WWW
    assert look_up(servers, "alias.example.com") == WWW
    assert look_up(servers, "mail.example.com")[6] == []
    for absent in ("absent.example.com", "broken.example.com"):
        assert not any(look_up(servers, absent).values())
        assert None not in look_up(servers, absent).values()


def test_server_that_fails_or_refuses_is_followed_by_the_next(name_server: NameServer) -> None:
    """It is asked once for each family; without any server nothing is known."""
    closed = parse_socket_address(f"127.0.0.1:{free_port()}")
    with DatagramServer(refusing) as refuser:
        servers = [closed, refuser.address, address_of(name_server)]
        assert look_up(servers, "www.example.com") == WWW
        assert look_up([refuser.address], "www.example.com") == {4: None, 6: None}
        assert refuser.count == 4
    assert look_up([], "www.example.com") == {4: None, 6: None}


def test_silent_server_does_not_keep_the_next_from_being_asked(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has its turn, and all together have their time."""
    monkeypatch.setattr(lookup, "TRY_S", 0.3)
    with DatagramServer(lambda _: ()) as silent:
        assert look_up([silent.address, address_of(name_server)], "www.example.com") == WWW
        monkeypatch.setattr(lookup, "WITHIN_S", 0.1)
        assert look_up([silent.address], "www.example.com") == {4: None, 6: None}


@pytest.mark.processes
def test_truncated_response_is_asked_for_over_tcp(tmp_path: Path) -> None:
    """Forty addresses do not fit 512 octets; no more than eight are looked at."""
    records = "\n".join(f"many 60 A 198.51.100.{number}" for number in range(1, 41))
    root = "@ 300 SOA ns root.ns 1 3600 600 86400 60\n@ 300 NS ns\nns 300 A 127.0.0.1\n"
    zone = f"{root}www 300 A 192.0.2.2\n{records}"
    server = NameServer(tmp_path, {".": root, "example.com": zone})
    server.start()
    try:
        found = look_up([address_of(server)], "many.example.com")[4]
    finally:
        server.kill()
    assert found is not None
    assert len(found) == lookup.MOST_ADDRESSES


def test_loops_and_endless_chains_are_no_answer() -> None:
    """Sixteen aliases are followed, as one that leads back to itself never ends."""

    def chain(links: int, octets: bytes) -> Iterable[bytes]:
        response = dns.message.make_response(dns.message.from_wire(octets))
        names = ["start.example.", *(f"n{number}.example." for number in range(links))]
        for name, target in itertools.pairwise(names):
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
        response.answer.append(dns.rrset.from_text(names[-1], 60, "IN", "A", "8.8.8.8"))
        return [response.to_wire()]

    for links, found in [(16, [IPv4Address("8.8.8.8")]), (17, None)]:
        with DatagramServer(lambda octets, links=links: chain(links, octets)) as server:  # type: ignore[misc]
            assert look_up([server.address], "start.example")[4] == found


def test_mapped_address_is_not_one_of_ipv6() -> None:
    """It would stand for a household of IPv4 that nobody asked about."""

    def answer(octets: bytes) -> Iterable[bytes]:
        query = dns.message.from_wire(octets)
        response = dns.message.make_response(query)
        kind, text = ("AAAA", "::ffff:8.8.8.8") if query.question[0].rdtype == 28 else ("A", "")
        if text:
            response.answer.append(dns.rrset.from_text("home.example.", 60, "IN", kind, text))
        return [response.to_wire()]

    with DatagramServer(answer) as server:
        assert look_up([server.address], "home.example") == {4: [], 6: []}
