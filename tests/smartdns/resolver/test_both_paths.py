"""The fast path gives what the plain path gives, from first to last, whatever devices ask."""

import socket
from collections.abc import Iterator

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import pytest
from twisted.internet.threads import deferToThread

from smartdns.contract.grants import OFF, Profile
from tests.peers.name_server import NameServer
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import STRANGER, Laboratory

HERE = socket.inet_aton("127.0.0.1")
TIMES = 4
"""From upstream, from the cache, and from the memo where it is for others, too."""
ASKED = (
    # Apple's three at once, and what else there is of a steered name.
    *(("www.netflix.com", kind) for kind in ("A", "AAAA", "HTTPS", "SVCB", "ANY", "TXT", "MX")),
    ("wWw.NetFlix.cOm", "A"), ("netflixdnstest1.com", "A"), ("www.youtube.com", "A"),
    # Ways to another resolver, and private relays.
    ("_dns.resolver.arpa", "SVCB"), ("use-application-dns.net", "A"), ("mask.icloud.com", "A"),
    # Names of the home.
    ("localhost", "A"), ("nas.home.arpa", "A"), ("1.1.168.192.in-addr.arpa", "PTR"),
    ("lb._dns-sd._udp.0.1.168.192.in-addr.arpa", "PTR"), ("printer.local", "A"),
    # Everything else: there, an alias, absent, of no such type, private, too large for a datagram.
    ("www.example.com", "A"), ("www.example.com", "AAAA"), ("alias.example.com", "A"),
    ("nowhere.example.com", "A"), ("www.example.com", "CAA"), ("home.example.com", "A"),
    ("big.example.com", "TXT"), ("huge.example.com", "TXT"), ("example.com", "MX"), (".", "NS"),
)  # fmt: skip


def _forms(name: str, kind: str) -> Iterator[dns.message.Message]:
    """Yield what different stubs make of one question."""
    plain = {"qname": name, "rdtype": kind}
    yield dns.message.make_query(**plain)
    for payload in (512, 1232, 4096):
        yield dns.message.make_query(**plain, use_edns=0, payload=payload)
    yield dns.message.make_query(**plain, want_dnssec=True)
    cookie = dns.edns.CookieOption(b"12345678", b"")
    yield dns.message.make_query(**plain, use_edns=0, options=[cookie])
    mixed = plain | {"qname": "".join(c.upper() if i % 3 else c for i, c in enumerate(name))}
    yield dns.message.make_query(**mixed)
    yield dns.message.make_query(**mixed, use_edns=0, options=[cookie])
    padding = dns.edns.GenericOption(dns.edns.OptionType.PADDING, bytes(20))
    yield dns.message.make_query(**plain, use_edns=0, options=[padding])
    for flags in (0, dns.flags.RD | dns.flags.CD, dns.flags.RD | dns.flags.AD):
        query = dns.message.make_query(**plain)
        query.flags = flags
        yield query
    notify = dns.message.make_query(**plain)
    notify.set_opcode(dns.opcode.NOTIFY)
    yield notify


@pytest.mark.parametrize("who", ["a household", "one that wants less", "a stranger"])
async def test_both_paths_say_the_same(
    make_resolver: Make, name_server: NameServer, who: str
) -> None:
    """Each form of each question, several times over: equal replies but for TTLs and cookies."""
    fast, plain = (make_resolver(name_server.port, fast=each) for each in (True, False))
    for resolver in (fast, plain):
        resolver.let_time_stand()  # so that none is late on a busy machine, and dropped
        if who == "one that wants less":
            resolver.allowlist.profiles[HERE] = Profile(services={"netflix": OFF})
    source = STRANGER if who == "a stranger" else "127.0.0.1"
    differing = await deferToThread(_differences, fast, plain, source)
    assert not differing, differing[:3]


def _differences(fast: Laboratory, plain: Laboratory, source: str) -> list[object]:
    found: list[object] = []
    with _client(fast.port, source) as to_fast, _client(plain.port, source) as to_plain:
        for name, kind in ASKED:
            for query in _forms(name, kind):
                expected = _shown(_exchange(to_plain, query))
                for time in range(TIMES):
                    got = _shown(_exchange(to_fast, query))
                    if got != expected:
                        found.append((time, query.to_text(), expected, got))
    return found


def _client(port: int, source: str) -> socket.socket:
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind((source, 0))
    client.connect(("127.0.0.1", port))
    client.settimeout(60)
    return client


def _exchange(client: socket.socket, query: dns.message.Message) -> dns.message.Message:
    client.send(query.to_wire())
    reply = client.recv(65_535)
    assert reply[:2] == query.id.to_bytes(2, "big")
    return dns.message.from_wire(reply, raise_on_truncation=False)


def _shown(reply: dns.message.Message) -> tuple[object, ...]:
    """What must be equal: all but TTLs, the order of records, and what a cookie says."""
    sections = [
        sorted(
            f"{rrset.name} {rrset.rdclass} {rrset.rdtype} {record}"
            for rrset in section
            for record in rrset
        )
        for section in (reply.answer, reply.authority, reply.additional)
    ]
    options = [
        int(each.code) if isinstance(each, dns.edns.EDEOption) else -int(each.otype)
        for each in reply.options
    ]
    question = [f"{each.name} {each.rdtype}" for each in reply.question]
    return reply.flags, reply.edns, reply.ednsflags, reply.payload, question, sections, options
