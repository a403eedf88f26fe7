"""Steering: every cell of its table, and whose relay it is."""

from types import MappingProxyType

import pytest

from smartdns.answering.knowledge import RelayAddresses
from smartdns.answering.names import name_of
from smartdns.answering.plan import Forward, Reply
from smartdns.answering.rules.steering import relay_for, steer
from smartdns.contract.grants import OFF, Profile
from tests.smartdns.made import (
    AAAA,
    ANY,
    GB,
    HTTPS,
    NOERROR,
    TXT,
    US,
    A,
    knowledge,
    query,
    question,
)
from zones.catalog import ANY_REGION

SVCB, HINFO, SOA = 64, 13, 6
NETFLIX = "www.netflix.com"


def steered(kind: int, profile: Profile, name: str = NETFLIX) -> Reply | Forward | None:
    """Steer a question of a household with this profile."""
    return steer(query(name, kind), question(name, kind), profile, knowledge(profile))


@pytest.mark.parametrize(
    ("kind", "region", "expected"),
    [(A, "us", US.ipv4), (AAAA, "us", US.ipv6), (A, "gb", GB.ipv4)],
)
def test_addresses_are_the_relays(kind: int, region: str, expected: tuple[bytes, ...]) -> None:
    """A and AAAA of the region's relay, TTL 60 that never counts down, EDE 4."""
    reply = steered(kind, Profile(region=region))
    assert isinstance(reply, Reply)
    assert tuple(r.data for r in reply.answer) == expected
    assert {(r.name, r.type, r.ttl) for r in reply.answer} == {(name_of(NETFLIX), kind, 60)}
    assert reply.constant
    assert reply.error is not None
    assert reply.error.code == 4


@pytest.mark.parametrize(
    ("kind", "region"), [(AAAA, "gb"), (HTTPS, "us"), (SVCB, "us"), (HTTPS, "gb")]
)
def test_what_would_lead_round_the_relay_has_no_data(kind: int, region: str) -> None:
    """AAAA without an IPv6 relay, and always HTTPS and SVCB: NODATA with the entry's SOA."""
    reply = steered(kind, Profile(region=region))
    assert isinstance(reply, Reply)
    assert (reply.rcode, reply.answer) == (NOERROR, ())
    (soa,) = reply.authority
    assert (soa.name, soa.type, soa.ttl) == (name_of("netflix.com"), SOA, 60)
    assert int.from_bytes(soa.data[-4:]) == 60


def test_any_gets_the_minimal_answer() -> None:
    """One HINFO that names RFC 8482."""
    reply = steered(ANY, Profile(region="us"))
    assert isinstance(reply, Reply)
    assert [(r.type, r.data) for r in reply.answer] == [(HINFO, b"\7RFC8482\0")]


@pytest.mark.parametrize("kind", [TXT, 15, 33, 6, 2, 5, 65_280])
def test_other_types_are_forwarded_with_care(kind: int) -> None:
    """An NXDOMAIN that comes back must not take the whole name along."""
    plan = steered(kind, Profile(region="us"))
    assert isinstance(plan, Forward)
    assert plan.nxdomain_is_nodata


@pytest.mark.parametrize(
    "name", ["example.com", "notnetflix.com", "help.netflix.com", "x.help.netflix.com", "bbc.co.uk"]
)
def test_other_names_are_not_steered(name: str) -> None:
    """By label boundary, and never below what a service leaves out."""
    assert steered(A, Profile(region="us"), name) is None


@pytest.mark.parametrize(
    ("profile", "service", "relays", "expected"),
    [
        (Profile(region="gb"), "netflix", ("us", "gb"), GB),
        (Profile(region="us"), "iplayer", ("us", "gb"), GB),
        (Profile(), "netflix", ("us", "gb"), US),
        (Profile(), "netflix", ("gb",), GB),
        (Profile(region="us"), "netflix", ("gb",), GB),
        (Profile(region="us"), "iplayer", ("us",), None),
        (Profile(), "netflix", (), None),
        (Profile(region="gb", services=MappingProxyType({"netflix": "us"})), "netflix",
         ("us", "gb"), US),
        (Profile(region="us", services=MappingProxyType({"netflix": "gb"})), "netflix",
         ("us",), None),
        (Profile(region="us", services=MappingProxyType({"netflix": OFF})), "netflix",
         ("us", "gb"), None),
        (Profile(region="us", services=MappingProxyType({"iplayer": OFF})), "netflix",
         ("us", "gb"), US),
    ],
)  # fmt: skip
def test_whose_relay(
    profile: Profile, service: str, relays: tuple[str, ...], expected: RelayAddresses | None
) -> None:
    """The choice; else the default if it makes sense; else the first region with a relay."""
    known = knowledge(profile, relays={code: {"us": US, "gb": GB}[code] for code in relays})
    assert relay_for(known.catalog.services[service], profile, known) == expected


def test_one_relay_may_serve_every_region() -> None:
    """A household with one machine names no region at all; a region's own relay goes first."""
    known = knowledge(relays={ANY_REGION: US, "gb": GB})
    service = known.catalog.services["netflix"]
    assert relay_for(service, Profile(), known) == US
    assert relay_for(service, Profile(region="gb"), known) == GB
    assert relay_for(known.catalog.services["iplayer"], Profile(region="us"), known) == GB
