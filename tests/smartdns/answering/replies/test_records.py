"""Records that we make up ourselves: what dnspython reads in them."""

import ipaddress

import dns.rdata
import dns.rdatatype
import pytest

from smartdns.answering.names import name_of
from smartdns.answering.query import Name
from smartdns.answering.replies.records import address_data, minimal_any, soa, text_data


def read(kind: str, data: bytes) -> str:
    """Give the text of record data."""
    rdata = dns.rdata.from_wire("IN", dns.rdatatype.from_text(kind), data, 0, len(data))
    return rdata.to_text()


@pytest.mark.parametrize("owner", ["example.com", "invalid", "nobody.invalid"])
def test_a_soa_is_its_owners_and_says_its_ttl_twice(owner: str) -> None:
    """Uncompressed, also where the owner ends as the mailbox does."""
    record = soa(name_of(owner), 60)
    assert record.ttl == 60
    assert read("SOA", record.data) == f"{owner}. nobody.invalid. 1 3600 1200 604800 60"


def test_a_soa_may_be_anybodys() -> None:
    """Labels are octets, and the root is a name."""
    odd = Name(b"\5a.b\0c\4\xff\xfe\0.\0")
    assert soa(odd, 60).data.startswith(odd + b"\6nobody\7invalid\0")
    assert soa(Name(b"\0"), 60).data.startswith(b"\0\6nobody")


@pytest.mark.parametrize(("kind", "text"), [("A", "203.0.113.7"), ("AAAA", "2001:db8::7")])
def test_addresses_are_what_they_say(kind: str, text: str) -> None:
    """The octets of the address."""
    data = address_data(ipaddress.ip_address(text))
    assert read(kind, data) == text
    assert data == ipaddress.ip_address(text).packed


def test_strings_are_what_they_say() -> None:
    """A TXT of one, and the HINFO of RFC 8482."""
    assert read("TXT", text_data("loop")) == '"loop"'
    assert read("HINFO", minimal_any(name_of("example.com"), 60).data) == '"RFC8482" ""'
