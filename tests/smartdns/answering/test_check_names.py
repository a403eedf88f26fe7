"""Check names: the page's script asks through us, or it does not."""

from types import MappingProxyType

import pytest

from smartdns.answering.check_names import answer_check_name
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
