"""What homes and networks are like: one test for each row of what was gathered about them.

Some rows no resolver can mend; the guide says what to do then, and its test is that it does.
"""

import ipaddress
import socket
import time

import dns.edns
import dns.message
import dns.rcode
import pytest
from twisted.internet.task import deferLater

from cli.run.listening import sockets_of_relay
from registry.web.pages.guide_texts import GUIDES
from smartdns.allowlist.grant_table import GrantTable, packed_network
from smartdns.answering.memory.exchange import BUDGET_S
from smartdns.answering.names import ROOT
from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.grants import Profile
from smartdns.contract.redis_layout import encode_profile
from smartdns.settings import DataPlaneSettings
from smartdns.upstream.watcher import UpstreamWatcher
from tests.peers.dnsmasq import Dnsmasq
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer, address_of_everything
from tests.peers.ports import free_port
from tests.peers.waiting import undisturbed_s
from tests.smartdns.devices.asking import addresses, ask, send
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import REACTOR, RELAY

STUB_GIVES_UP_S = 5.0
EDE_STALE = 3


@pytest.mark.processes
async def test_the_router_forwards_to_us_and_we_to_the_router(make_resolver: Make) -> None:
    """A probe name finds it at the start; it is said in one line, and the router asked no more."""
    port = free_port()
    router = Dnsmasq(port)
    try:
        router.start()
        resolver = make_resolver(router.port, listen=(f"127.0.0.1:{port}",))
        watched = {ROOT: resolver.forwarder.group_for(ROOT)}
        watcher = UpstreamWatcher(REACTOR, watched, bytes(16))
        watcher.startService()
        while not watcher.ready:
            await deferLater(REACTOR, 0.01)
        watcher.stopService()
    finally:
        router.kill()
    (line,) = watcher.trouble()
    assert "\n" not in line
    assert (await ask(resolver, "www.example.com")).rcode() == dns.rcode.SERVFAIL


async def test_a_stub_waits_five_seconds_and_is_answered_before(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """With a silent upstream: SERVFAIL, or the stale answer where there is one, well in time."""
    resolver = make_resolver(odd_name_server.port)
    await ask(resolver, "kept.example.com")
    odd_name_server.react = lambda _query, _transport: None
    resolver.ahead_s += 400
    for name, rcode, within_s in (
        ("kept.example.com", dns.rcode.NOERROR, BUDGET_S),
        ("new.example.com", dns.rcode.SERVFAIL, STUB_GIVES_UP_S),
    ):
        began = undisturbed_s()
        packet = dns.message.make_query(name, "A", use_edns=0).to_wire()
        got = await send(resolver, packet)
        assert undisturbed_s() - began < within_s
        assert got is not None
        reply = dns.message.from_wire(got)
        assert reply.rcode() == rcode
        errors = [int(o.code) for o in reply.options if isinstance(o, dns.edns.EDEOption)]
        assert (EDE_STALE in errors) == (rcode == dns.rcode.NOERROR)
    odd_name_server.react = address_of_everything


async def test_a_whole_home_is_behind_one_address(
    make_resolver: Make, name_server: NameServer
) -> None:
    """Hundreds of queries in one burst are answered all, by the rate that is the default."""
    rate = DataPlaneSettings().client_rate
    resolver = make_resolver(name_server.port, client_rate=rate)
    packet = dns.message.make_query("www.netflix.com", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as home:
        home.connect(("127.0.0.1", resolver.port))
        home.setblocking(False)
        answered = 0
        for _ in range(25):
            for _ in range(20):
                home.send(packet)
            until = time.monotonic() + 10
            due = answered + 20
            while answered < due and time.monotonic() < until:
                try:
                    answered += len(home.recv(512)) > len(packet)
                except BlockingIOError:
                    await deferLater(REACTOR, 0.001)
    assert answered == 500


async def test_port_53_is_hijacked_so_others_are_open(
    make_resolver: Make, name_server: NameServer
) -> None:
    """Any number of ports, each with the same answers."""
    ports = free_port(), free_port()
    resolver = make_resolver(name_server.port, listen=[f"127.0.0.1:{port}" for port in ports])
    for port in ports:
        resolver.port = port
        assert addresses(await ask(resolver, "www.netflix.com")) == {RELAY}
        assert addresses(await resolver.ask("www.netflix.com", tcp=True)) == {RELAY}


async def test_quic_to_a_relay_finds_no_port() -> None:
    """A relay has no UDP socket at all, so that apps fall back to TCP at once."""
    where = parse_socket_address("127.0.0.1:0")
    settings = DataPlaneSettings(relay_tls_listen=(where,), relay_http_listen=(where,), workers=1)
    sockets = [named.socket for each in sockets_of_relay(settings) for named in each]
    try:
        assert sockets
        assert all(bound.type == socket.SOCK_STREAM for bound in sockets)
    finally:
        for bound in sockets:
            bound.close()


def test_privacy_addresses_are_let_in_by_their_prefix() -> None:
    """A home's /64 stays its own, whatever address a device makes for itself today."""
    table = GrantTable()
    home = ipaddress.ip_network("2001:db8:1:2::/64")
    table.put(*packed_network(home), encode_profile(Profile("us")).encode())
    for made, profile in (
        ("2001:db8:1:2::1", Profile("us")),
        ("2001:db8:1:2:5c1d:9ff:fe00:1", Profile("us")),
        ("2001:db8:1:3::1", None),
    ):
        assert table.lookup(ipaddress.ip_address(made).packed, 740_000) == profile


def _guides() -> str:
    return " ".join(text for guide in GUIDES for text in (*guide.steps, *guide.notes))


def test_consoles_keep_answers_past_their_ttl_and_the_guide_says_restart() -> None:
    """Which no TTL can mend."""
    assert "Restart the device" in _guides()


def test_hard_coded_resolvers_and_private_dns_are_in_the_guide() -> None:
    """What to do on the router, and on Android."""
    assert "8.8.8.8" in _guides()
    assert "Private DNS" in _guides()


def test_devices_without_sni_are_in_the_guide() -> None:
    """They cannot be relayed."""
    assert "does not tell the relay which site it wants" in _guides()
