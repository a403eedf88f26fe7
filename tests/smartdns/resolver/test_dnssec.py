"""Signed zones of a real BIND, through a real validator and us, to a client that validates."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from tests.peers.name_server import NameServer
from tests.peers.unbound import Unbound
from tests.peers.waiting import wait_until
from tests.smartdns.resolver.laboratory import Laboratory, run

pytestmark = pytest.mark.processes

_ZONE = "\n".join(
    (
        "@ 300 SOA ns hostmaster 1 3600 600 86400 60",
        "@ 300 NS ns",
        "ns 300 A 192.0.2.53",
        "www 300 A 198.51.100.1",
        "www 300 AAAA 2001:db8::1",
        "alias 300 CNAME www",
        "*.wild 300 A 198.51.100.4",
        *(f'huge 300 TXT "{number:04d} {"y" * 250}"' for number in range(30)),
    )
)
ZONES = {
    ".": "@ 300 SOA ns root.ns 1 3600 600 86400 60\n@ 300 NS ns\nns 300 A 127.0.0.1",
    "example.com": _ZONE,
    "bogus.example": _ZONE,
}
SIGNED = ("example.com", "bogus.example")


def key_of(server: NameServer, zone: str) -> str:
    """Give the zone's key as the line of a trust anchor."""
    query = dns.message.make_query(zone, "DNSKEY")
    (keys,) = dns.query.udp(query, server.host, port=server.port, timeout=60).answer
    return str(keys[0])


def is_signed(server: NameServer, zone: str) -> bool:
    """Say whether it has been signed by now."""
    query = dns.message.make_query(f"www.{zone}", "A", want_dnssec=True)
    reply = dns.query.udp(query, server.host, port=server.port, timeout=60)
    return any(rrset.rdtype == dns.rdatatype.RRSIG for rrset in reply.answer)


@pytest.fixture(scope="module")
def signed_zones(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    """A BIND that signs two zones."""
    server = NameServer(tmp_path_factory.mktemp("signed"), ZONES, SIGNED)
    server.start()
    for zone in SIGNED:
        wait_until(lambda zone=zone: is_signed(server, zone))  # type: ignore[misc]
    yield server
    server.kill()


@pytest.fixture(scope="module")
def anchor(signed_zones: NameServer) -> str:
    """What a validator believes of example.com."""
    return key_of(signed_zones, "example.com")


@pytest.fixture
def validator(signed_zones: NameServer, anchor: str) -> Iterator[Unbound]:
    """An unbound that trusts one zone's key, and takes it for the other's as well."""
    anchors = [f"example.com. DNSKEY {anchor}", f"bogus.example. DNSKEY {anchor}"]
    unbound = Unbound(signed_zones.port, trust_anchors=anchors)
    unbound.start()
    yield unbound
    unbound.kill()


@pytest_twisted.async_yield_fixture
async def resolver(validator: Unbound) -> Any:
    """We, in front of the validator."""
    laboratory = Laboratory(validator.port)
    yield laboratory
    await laboratory.stop()


def types_of(section: list[Any]) -> set[str]:
    """Give the types of a section's RRsets, and of what each signature covers."""
    texts = set()
    for rrset in section:
        kind = dns.rdatatype.to_text(rrset.rdtype)
        texts.add(f"{kind}({dns.rdatatype.to_text(rrset.covers)})" if rrset.covers else kind)
    return texts


async def ask(
    resolver: Laboratory, name: str, kind: str = "A", *, dnssec: bool = True, **how: Any
) -> dns.message.Message:
    """Ask with or without DO; UDP, and TCP for what is truncated."""
    query = dns.message.make_query(name, kind, use_edns=0, want_dnssec=dnssec, payload=1232, **how)
    reply, _ = await deferToThread(
        dns.query.udp_with_fallback, query, "127.0.0.1", port=resolver.port, timeout=60
    )
    assert isinstance(reply, dns.message.Message)
    return reply


async def delv(resolver: Laboratory, anchor: str, tmp_path: Path, *question: str) -> str:
    """Ask with a client that validates by itself, from the zone's own key."""
    flags, protocol, algorithm, key = anchor.split(maxsplit=3)
    text = f'"example.com." static-key {flags} {protocol} {algorithm} "{key.replace(" ", "")}";'
    file = tmp_path / "anchors"
    file.write_text(f"trust-anchors {{ {text} }};\n")
    options = (f"-p{resolver.port}", "-a", str(file), "+root=example.com", "@127.0.0.1")
    return await run("delv", "bind9-dnsutils", *options, *question)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("www.example.com", "A", "; fully validated"),
        ("alias.example.com", "AAAA", "; fully validated"),
        ("x.wild.example.com", "A", "; fully validated"),
        ("huge.example.com", "TXT", "; fully validated"),
        ("nowhere.example.com", "A", "; negative response, fully validated"),
        ("www.example.com", "MX", "; negative response, fully validated"),
    ],
    ids=["an address", "an alias", "a wildcard", "a large set", "an absent name", "an absent type"],
)
async def test_a_client_that_validates_is_satisfied(
    resolver: Laboratory, anchor: str, tmp_path: Path, name: str, kind: str, says: str
) -> None:
    """All that proves an answer or an absence arrives, the first time and from the cache."""
    for _ in range(2):
        assert says in await delv(resolver, anchor, tmp_path, name, kind)


async def test_signatures_go_with_what_they_sign_to_those_who_ask(resolver: Laboratory) -> None:
    """With DO all of them, in every order of asking; without it none (RFC 4035 section 3.2.1)."""
    for dnssec in (True, False, True, False):
        reply = await ask(resolver, "alias.example.com", dnssec=dnssec)
        signed = {"CNAME", "RRSIG(CNAME)", "A", "RRSIG(A)"}
        assert types_of(reply.answer) == (signed if dnssec else {"CNAME", "A"})


async def test_ad_is_told_to_those_who_ask(resolver: Laboratory) -> None:
    """With AD or DO in the query, of what the validator vouches for (RFC 6840 section 5.8)."""
    plain, wanted = dns.flags.RD, dns.flags.RD | dns.flags.AD
    for name, dnssec, flags, told in (
        ("www.example.com", True, plain, True),
        ("www.example.com", False, wanted, True),
        ("www.example.com", False, plain, False),
        ("nowhere.example.com", True, plain, True),
    ):
        reply = await ask(resolver, name, dnssec=dnssec, flags=flags)
        assert bool(reply.flags & dns.flags.AD) == told


async def test_an_absence_is_kept_with_its_proof(resolver: Laboratory, validator: Unbound) -> None:
    """NSEC, SOA and their signatures come from the cache when nobody else is there to ask."""
    proof = {"SOA", "RRSIG(SOA)", "NSEC", "RRSIG(NSEC)"}
    questions = [("nowhere.example.com", "A"), ("www.example.com", "MX")]
    first = [await ask(resolver, *question) for question in questions]
    bare = [await ask(resolver, *question, dnssec=False) for question in questions]
    validator.kill()
    for number, question in enumerate(questions):
        again = await ask(resolver, *question)
        assert again.rcode() == first[number].rcode()
        assert types_of(again.authority) == types_of(first[number].authority) == proof
        assert types_of(bare[number].authority) == {"SOA"}
        assert again.flags & dns.flags.AD


async def test_what_is_bogus_is_given_only_to_who_checks_by_himself(resolver: Laboratory) -> None:
    """CD gets the data, kept apart; whoever relies on the validator gets SERVFAIL all the time."""
    for _ in range(2):
        refused = await ask(resolver, "www.bogus.example", dnssec=False)
        assert (refused.rcode(), refused.answer) == (dns.rcode.SERVFAIL, [])
        unchecked = await ask(
            resolver, "www.bogus.example", dnssec=False, flags=dns.flags.RD | dns.flags.CD
        )
        assert types_of(unchecked.answer) == {"A"}
        assert unchecked.flags & dns.flags.CD
        assert not unchecked.flags & dns.flags.AD


async def test_a_large_signed_answer_is_truncated_and_whole_over_tcp(resolver: Laboratory) -> None:
    """TC and nothing else over UDP; over TCP all records with their signature."""
    query = dns.message.make_query("huge.example.com", "TXT", want_dnssec=True, payload=4096)
    reply = await deferToThread(dns.query.udp, query, "127.0.0.1", 10, resolver.port)
    assert reply.flags & dns.flags.TC
    assert reply.answer == []
    whole = await ask(resolver, "huge.example.com", "TXT")
    assert sorted(map(len, whole.answer)) == [1, 30]
    assert types_of(whole.answer) == {"TXT", "RRSIG(TXT)"}
