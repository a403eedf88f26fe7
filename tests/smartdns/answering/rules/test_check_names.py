"""Check names: the page's script asks through us, or it does not."""

from types import MappingProxyType

import pytest

from smartdns.answering.rules.check_names import answer_check_name
from smartdns.contract.grants import OFF, Profile
from tests.smartdns.made import (
    AAAA,
    GB,
    HTTPS,
    NOERROR,
    NXDOMAIN,
    TXT,
    US,
    knowledge,
    question,
)

HOST = "check.dns.example.net"


@pytest.mark.parametrize("label", ["a1b2c3", "x", "region", "9" * 63])
def test_any_label_leads_to_where_the_page_can_tell(label: str) -> None:
    """One address that is the same for everybody, TTL 0, so each look is a new query."""
    reply = answer_check_name(question(f"{label}.{HOST}"), Profile(), knowledge())
    assert reply is not None
    assert [(r.data, r.ttl) for r in reply.answer] == [(b"\x07\0\0\1", 0)]


@pytest.mark.parametrize("kind", [AAAA, HTTPS, TXT])
def test_other_types_have_no_data(kind: int) -> None:
    """Nor does the name above them."""
    for name in (f"x.{HOST}", HOST):
        reply = answer_check_name(question(name, kind), Profile(), knowledge())
        assert reply is not None
        assert (reply.rcode, reply.answer, reply.authority[0].ttl) == (NOERROR, (), 0)


@pytest.mark.parametrize(
    ("profile", "service", "expected"),
    [
        (Profile(region="us"), "netflix", US.ipv4),
        (Profile(region="gb"), "netflix", GB.ipv4),
        (Profile(region="us"), "iplayer", GB.ipv4),
        (Profile(region="us", services=MappingProxyType({"netflix": OFF})), "netflix", ()),
    ],
)
def test_it_shows_where_a_household_is_steered(
    profile: Profile, service: str, expected: tuple[bytes, ...]
) -> None:
    """The relay of its region for the service; nothing where it is forwarded."""
    asked = question(f"region-{service}.{HOST}")
    reply = answer_check_name(asked, profile, knowledge(profile))
    assert reply is not None
    assert tuple(r.data for r in reply.answer) == expected
    assert reply.rcode == NOERROR


@pytest.mark.parametrize("label", ["region-", "region-nosuch", "a.b", "a.region-netflix"])
def test_what_means_nothing_does_not_exist(label: str) -> None:
    """Unknown services and names of two labels."""
    reply = answer_check_name(question(f"{label}.{HOST}"), Profile(), knowledge())
    assert reply is not None
    assert reply.rcode == NXDOMAIN


@pytest.mark.parametrize("name", ["dns.example.net", f"x{HOST}", "example.com"])
def test_other_names_are_none_of_them(name: str) -> None:
    """By label boundary; and without a page there are no check names at all."""
    assert answer_check_name(question(name), Profile(), knowledge()) is None
    nowhere = knowledge(check_host=None)
    assert answer_check_name(question(f"x.{HOST}"), Profile(), nowhere) is None


@pytest.mark.parametrize(
    ("profile", "service", "region"),
    [
        (Profile(region="us"), "netflix", "us"),
        (Profile(region="gb"), "netflix", "gb"),
        (Profile(region="us"), "iplayer", "gb"),
        (Profile(region="us", services=MappingProxyType({"netflix": OFF})), "netflix", OFF),
        (Profile(region="us", services=MappingProxyType({"netflix": "de"})), "netflix", OFF),
    ],
)
def test_a_region_exists_where_it_is_the_households(
    profile: Profile, service: str, region: str
) -> None:
    """One region's name leads to the page, each other does not exist; TTL 0 either way."""
    for asked in ("us", "gb", "de", OFF):
        name = f"in-{asked}-a1b2-{service}.{HOST}"
        reply = answer_check_name(question(name), profile, knowledge(profile))
        assert reply is not None
        if asked == region:
            assert [(r.data, r.ttl) for r in reply.answer] == [(b"\x07\0\0\1", 0)]
        else:
            assert (reply.rcode, reply.authority[0].ttl) == (NXDOMAIN, 0)


def test_a_relays_check_name_leads_to_the_relay_of_the_region() -> None:
    """With a label that no cache knows; nothing where the service is forwarded."""
    gb, off = Profile(region="gb"), Profile(services=MappingProxyType({"netflix": OFF}))
    for profile, addresses in ((gb, GB.ipv4), (off, ())):
        asked = question(f"relay-a1b2-netflix.{HOST}")
        reply = answer_check_name(asked, profile, knowledge(profile))
        assert reply is not None
        assert tuple(r.data for r in reply.answer) == addresses
        assert reply.rcode == NOERROR


@pytest.mark.parametrize(
    "label", ["in-", "in-us-netflix", "in-us-a1-nosuch", "relay-netflix", "relay-a1-nosuch", "in-x"]
)
def test_a_label_that_looks_like_one_with_a_meaning_does_not_exist(label: str) -> None:
    """Rather than to lead to the page, which would read as a yes."""
    reply = answer_check_name(question(f"{label}.{HOST}"), Profile(region="us"), knowledge())
    assert reply is not None
    assert reply.rcode == NXDOMAIN
