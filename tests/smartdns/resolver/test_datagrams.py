"""Queries in datagrams, from real clients."""

import socket
import statistics
import time

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
from twisted.internet.threads import deferToThread

from smartdns.answering.numbers import OPTION_KEEPALIVE
from smartdns.contract.grants import Profile
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer
from tests.peers.waiting import undisturbed_s
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import RELAY, STRANGER, Laboratory
from tests.smartdns.wire.trying import try_packets


async def test_dig_gets_a_steered_name(resolver: Laboratory) -> None:
    """A streaming name leads to the relay, with EDE 4."""
    said = await resolver.dig("www.netflix.com")
    assert f"www.netflix.com.\t60\tIN\tA\t{RELAY}" in said
    assert "EDE: 4 (Forged Answer)" in said


async def test_dig_gets_an_ordinary_name(resolver: Laboratory) -> None:
    """Everything else is what the upstream says, with a good cookie."""
    said = await resolver.dig("alias.example.com")
    assert "www.example.com.\t300\tIN\tA\t198.51.100.1" in said.replace("\t\t", "\t")
    assert "(good)" in said


async def test_kdig_gets_the_same(resolver: Laboratory) -> None:
    """Another client, another parser, the same answer."""
    assert "198.51.100.1\n" in await resolver.kdig("+short", "alias.example.com")
    assert await resolver.kdig("+short", "example.com", "MX") == "10 mail.example.com.\n"


async def test_a_stranger_is_refused(resolver: Laboratory) -> None:
    """An address that nobody registered gets REFUSED and why, and nothing of the cache."""
    await resolver.dig("www.example.com")
    said = await resolver.dig("-b", STRANGER, "www.example.com")
    assert "status: REFUSED" in said
    assert "EDE: 18 (Prohibited)" in said
    assert "ANSWER: 0" in said


async def test_dig_comes_back_over_tcp_for_what_is_too_big(resolver: Laboratory) -> None:
    """Over UDP no more than 1232 octets, then TC; over TCP all of it."""
    said = await resolver.dig("huge.example.com", "TXT")
    assert "Truncated, retrying in TCP mode" in said
    assert "ANSWER: 60" in said


async def test_replies_fit_what_the_sender_takes(resolver: Laboratory) -> None:
    """512 octets without EDNS, 1232 at most with it, and TC where that is not enough."""
    small = await resolver.ask("big.example.com", "TXT", edns=-1, raise_on_truncation=False)
    assert small.flags & dns.flags.TC
    assert len(small.to_wire()) <= 512
    said = await resolver.dig("+bufsize=4096", "+ignore", "big.example.com", "TXT")
    assert " tc " in said


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.7", "::1"])
async def test_a_reply_comes_from_the_address_that_was_asked(
    make_resolver: Make, name_server: NameServer, address: str
) -> None:
    """Listening on all addresses, the one that was asked answers: dnspython insists on it."""
    resolver = make_resolver(name_server.port, listen=("0.0.0.0:0",))
    port = resolver.port
    if ":" in address:
        resolver = make_resolver(name_server.port, listen=(f"[::]:{port}",))
    reply = await resolver.ask("www.example.com", to=address)
    assert reply.rcode() == (dns.rcode.NOERROR)


async def test_several_addresses_and_ports_answer(
    make_resolver: Make, name_server: NameServer
) -> None:
    """Where port 53 is hijacked another one helps."""
    resolver = make_resolver(name_server.port, listen=("127.0.0.1:0", "127.0.0.1:0", "[::1]:0"))
    for bound in resolver.sockets["udp"]:
        host, resolver.port = bound.getsockname()[:2]
        reply = await resolver.ask("www.example.com", to=host)
        assert reply.answer


async def test_malformed_packets_get_no_wrong_reaction_and_do_no_harm(
    resolver: Laboratory,
) -> None:
    """Each packet of the corpus is followed by a sane query, which is answered at once."""
    resolver.let_time_stand()  # so that none is late on a busy machine, and dropped
    for source in ("127.0.0.1", STRANGER):
        wrong = await deferToThread(try_packets, resolver.port, source, refused=source == STRANGER)
        assert not wrong, wrong[:3]


async def test_a_network_that_asks_too_much_is_slowed_and_told_by_tc(
    make_resolver: Make, name_server: NameServer
) -> None:
    """Beyond the rate half get TC, so that whoever is really there comes back over TCP."""
    resolver = make_resolver(name_server.port, client_rate=20)
    resolver.let_time_stand()
    replies = await deferToThread(_burst, resolver.port, "127.0.0.1", 140)
    truncated = sum(bool(reply[2] & 0x02) for reply in replies)
    assert len(replies) - truncated == 40
    assert truncated == 50
    assert (await resolver.ask("www.netflix.com", tcp=True)).answer


async def test_a_network_has_one_rate_whoever_in_it_asks(
    make_resolver: Make, name_server: NameServer
) -> None:
    """Eight addresses of a /29 that was granted get together what a single one would get."""
    resolver = make_resolver(name_server.port, client_rate=20)
    resolver.let_time_stand()
    hosts = [f"127.0.1.{host}" for host in range(8)]
    for host in hosts:
        address = socket.inet_aton(host)
        resolver.allowlist.profiles[address] = Profile()
        resolver.allowlist.prefix_lengths[address] = 29
    bursts = [deferToThread(_burst, resolver.port, host, 20) for host in hosts]
    replies = [reply for burst in bursts for reply in await burst]
    assert sum(not reply[2] & 0x02 for reply in replies) == 40


async def test_refusals_to_strangers_are_limited(
    make_resolver: Make, name_server: NameServer
) -> None:
    """A forged source gets little of us, and a registered address all the same."""
    resolver = make_resolver(name_server.port, refused_rate=5)
    resolver.let_time_stand()
    replies = await deferToThread(_burst, resolver.port, STRANGER, 100)
    assert 55 <= len(replies) <= 58, "the fast path may give one rate, of 5, beyond the bucket's"
    assert all(len(reply) <= 64 + 40 for reply in replies)
    assert (await resolver.ask("www.netflix.com")).answer


def _burst(port: int, source: str, count: int) -> list[bytes]:
    query = dns.message.make_query("www.netflix.com", "A").to_wire()
    replies = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.connect(("127.0.0.1", port))
        for _ in range(count):
            client.send(query)
        client.settimeout(0.5)
        try:
            while True:
                replies.append(client.recv(4096))
        except TimeoutError:
            return replies


async def test_cached_and_steered_answers_stay_fast_while_upstream_is_dead_and_names_are_random(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """A flood of names that nobody answers holds up nobody who asks for what is known."""
    resolver = make_resolver(odd_name_server.port, in_flight=500)
    assert (await resolver.ask("known.example.com")).answer
    odd_name_server.react = lambda query, transport: None
    latencies = await deferToThread(_ask_amid_random_names, resolver.port)
    assert statistics.median(latencies) < 0.01
    assert len(latencies) == 400


def _ask_amid_random_names(port: int) -> list[float]:
    latencies = []
    known = [dns.message.make_query(n, "A") for n in ("known.example.com", "www.netflix.com")]
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood,
    ):
        for each in (client, flood):
            each.connect(("127.0.0.1", port))
        client.settimeout(60)
        for number in range(400):
            for extra in range(4):
                name = f"x{number}-{extra}.example.net"
                flood.send(dns.message.make_query(name, "A").to_wire())
            began = undisturbed_s()
            client.send(known[number % 2].to_wire())
            assert dns.message.from_wire(client.recv(4096)).answer
            latencies.append(undisturbed_s() - began)
    return latencies


async def test_what_is_in_flight_is_answered_before_the_end(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Stopping takes no new queries and sends the replies that are due."""
    odd_name_server.delay = 0.3
    resolver = make_resolver(odd_name_server.port)
    asking = resolver.ask("a.example.com")
    waiting = deferToThread(time.sleep, 0.1)
    from twisted.internet.defer import ensureDeferred

    asked = ensureDeferred(asking)
    await waiting
    await resolver.listeners.stopService()
    assert (await asked).answer


async def test_keepalive_is_not_answered_over_udp(resolver: Laboratory) -> None:
    """A datagram keeps nothing alive (RFC 7828 section 3.2.1); its query is answered."""
    asking = dns.edns.GenericOption(OPTION_KEEPALIVE, b"")
    query = dns.message.make_query("www.netflix.com", "A", use_edns=0, options=[asking])
    for _ in range(2):
        reply = await deferToThread(dns.query.udp, query, "127.0.0.1", 10, resolver.port)
        assert reply.answer
        codes = {int(option.otype) for option in reply.options}
        assert OPTION_KEEPALIVE not in codes
