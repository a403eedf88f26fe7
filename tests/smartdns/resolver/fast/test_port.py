"""What the fast path remembers, and for how long."""

import socket
import subprocess
import sys
import textwrap
from typing import Any

import dns.edns
import dns.message
import dns.rcode
import pytest
from twisted.internet.threads import deferToThread

from smartdns.answering.rules.rate_limit import client_key
from tests.peers.name_server import NameServer
from tests.peers.waiting import undisturbed_s
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import STRANGER, Laboratory


@pytest.fixture
def fast() -> bool:
    """What both paths have in common is tested elsewhere."""
    return True


async def _learned(resolver: Laboratory, name: str = "www.example.com", **options: Any) -> None:
    """Ask until it can be answered from memory: from upstream, from the cache, by the memo."""
    for _ in range(4):
        await resolver.ask(name, **options)


def _decisions(resolver: Laboratory) -> int:
    """Count the queries that neither the memo answered nor a refusal in place."""
    misses = resolver.listeners._datagram_ports[0]._misses
    return misses.asked + misses.outcomes.total()


def _addresses(reply: dns.message.Message) -> list[str]:
    return [str(record) for rrset in reply.answer for record in rrset]


async def test_what_is_known_takes_no_decision(resolver: Laboratory) -> None:
    """What was asked twice in a form that others share is answered without the codec."""
    await _learned(resolver)
    before = _decisions(resolver)
    query = dns.message.make_query("www.example.com", "A", use_edns=0)
    for _ in range(2):
        reply = await deferToThread(_exchange, resolver.port, query)
        assert _addresses(reply) == ["198.51.100.1"]
    assert _decisions(resolver) == before


async def test_what_is_one_askers_alone_is_decided_each_time(resolver: Laboratory) -> None:
    """A cookie: from the cache, with its cookie."""
    await _learned(resolver)
    before = _decisions(resolver)
    cookie = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"12345678")
    query = dns.message.make_query("www.example.com", "A", use_edns=0, options=[cookie])
    for _ in range(2):
        reply = await deferToThread(_exchange, resolver.port, query)
        assert _addresses(reply) == ["198.51.100.1"]
        assert reply.options
    assert _decisions(resolver) == before + 2


async def test_a_name_in_another_form_takes_no_decision(resolver: Laboratory) -> None:
    """In its own case or with an OPT record: the same answer, in the form that was asked."""
    await _learned(resolver)
    before = _decisions(resolver)
    for name, edns in (("www.example.com", 0), ("wWw.exaMPle.com", 0), ("www.EXAMPLE.com", -1)):
        query = dns.message.make_query(name, "A", use_edns=edns)
        for _ in range(2):
            reply = await deferToThread(_exchange, resolver.port, query)
            assert _addresses(reply) == ["198.51.100.1"]
            assert str(reply.question[0].name) == f"{name}."
            assert reply.edns == edns
    assert _decisions(resolver) == before


async def test_a_cookie_from_memory_is_good(resolver: Laboratory) -> None:
    """What dig gets back fits its own, as it says itself."""
    await _learned(resolver)
    for _ in range(2):
        assert "(good)" in await resolver.dig("www.example.com")


async def test_strangers_take_no_decision(resolver: Laboratory) -> None:
    """A flood of random names from strangers is refused without the codec, EDNS or not."""
    for number in range(20):
        for edns in (-1, 0):
            query = dns.message.make_query(f"x{number}.example.com", "A", use_edns=edns)
            reply = await deferToThread(_exchange, resolver.port, query, STRANGER)
            assert reply.rcode() == dns.rcode.REFUSED
            assert reply.question == query.question
            assert len(reply.options) == (edns == 0)
    assert _decisions(resolver) == 0


async def test_a_change_of_grants_shows_in_whose_rate_is_drawn_from(resolver: Laboratory) -> None:
    """An address whose network was widened draws from the network's rate at once, not its own."""
    here = socket.inet_aton("127.0.0.1")
    networks = resolver.listeners._datagram_ports[0]._misses.rates.networks
    await resolver.ask("www.netflix.com")
    assert networks[here] == client_key(here, 32)
    resolver.allowlist.prefix_lengths[here] = 29
    resolver.responder.grants_changed()
    await resolver.ask("www.netflix.com")
    assert networks[here] == client_key(here, 29)


async def test_reading_ends_although_nobody_asks(
    make_resolver: Make, name_server: NameServer
) -> None:
    """A stop takes a moment, and leaves the shared socket open for whoever follows."""
    resolver = make_resolver(name_server.port)
    await resolver.ask("www.netflix.com")
    began = undisturbed_s()
    await resolver.listeners.stopService()
    assert undisturbed_s() - began < 2
    follower = resolver.sockets["udp"][0]
    query = dns.message.make_query("www.netflix.com", "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(query, follower.getsockname())
        follower.settimeout(60)
        assert await deferToThread(follower.recv, 512) == query


@pytest.mark.processes
def test_the_process_ends_with_its_loop() -> None:
    """Nobody would answer any more, so the supervisor must see it end."""
    program = """
        import os, socket, time
        from smartdns.process.event_loop import install_reactor
        reactor = install_reactor()
        from smartdns.resolver.fast.loop import Loop
        from smartdns.resolver.fast.port import thread_ended
        class Broken:
            batch = memo = rates = None
        loop = Loop(Broken(), thread_ended)
        loop.start(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        time.sleep(20)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], timeout=120, check=False,
        capture_output=True,
    )  # fmt: skip
    assert ended.returncode == 70


def _exchange(
    port: int, query: dns.message.Message, source: str = "127.0.0.1"
) -> dns.message.Message:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.settimeout(60)
        client.sendto(query.to_wire(), ("127.0.0.1", port))
        return dns.message.from_wire(client.recv(4096))
