"""The normal form of addresses and networks, and what kind of address one is."""

import ipaddress

import pytest

from smartdns.contract.addresses import (
    AddressKind,
    household_network,
    kind_of,
    parse_address,
    parse_network,
    parse_socket_address,
)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("9.9.9.9", AddressKind.GLOBAL),
        ("2606:4700::1", AddressKind.GLOBAL),
        ("0.0.0.0", AddressKind.UNSPECIFIED),
        ("::", AddressKind.UNSPECIFIED),
        ("0.0.0.1", AddressKind.RESERVED),
        ("172.31.255.255", AddressKind.PRIVATE),
        ("172.32.0.0", AddressKind.GLOBAL),
        ("fdff::1", AddressKind.PRIVATE),
        ("100.127.255.255", AddressKind.CARRIER_NAT),
        ("100.128.0.0", AddressKind.GLOBAL),
        ("::1", AddressKind.LOOPBACK),
        ("febf::1", AddressKind.LINK_LOCAL),
        ("239.255.255.255", AddressKind.MULTICAST),
        ("240.0.0.1", AddressKind.RESERVED),
        ("198.19.0.1", AddressKind.RESERVED),
        ("3fff::1", AddressKind.DOCUMENTATION),
        ("::ffff:9.9.9.9", AddressKind.MAPPED),
        ("64:ff9b::909:909", AddressKind.NAT64),
        ("2002:909:909::1", AddressKind.SIX_TO_FOUR),
        ("2001::1", AddressKind.TEREDO),
        ("2001:1::1", AddressKind.RESERVED),
        ("2001:200::1", AddressKind.GLOBAL),
        ("4000::1", AddressKind.RESERVED),
    ],
)
def test_an_address_is_of_the_kind_that_iana_registered(text: str, kind: AddressKind) -> None:
    """The narrow ranges win over those that hold them, and each ends where it ends."""
    assert kind_of(ipaddress.ip_address(text)) is kind


def test_a_mapped_address_is_the_ipv4_address_that_it_maps() -> None:
    """A socket of both families shows IPv4 clients so."""
    assert parse_address(" ::ffff:9.9.9.9\n") == ipaddress.ip_address("9.9.9.9")


@pytest.mark.parametrize("text", ["", "fe80::1%eth0", "9.9.9", "09.9.9.9", "9.9.9.9/32", "name"])
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    """The text may be somebody's address, mistyped."""
    with pytest.raises(ValueError, match="address") as refused:
        parse_address(text)
    assert not text or text not in str(refused.value)


def test_a_household_is_one_ipv4_address_or_one_prefix_of_ipv6() -> None:
    """Devices change the rest of an IPv6 address daily (RFC 8981)."""
    assert str(household_network(ipaddress.ip_address("9.9.9.9"))) == "9.9.9.9/32"
    here = ipaddress.ip_address("2606:4700:1:2:3::4")
    assert str(household_network(here)) == "2606:4700:1:2::/64"
    assert str(household_network(here, 56)) == "2606:4700:1::/56"


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("9.9.9.9", "9.9.9.9/32"),
        ("2606:4700:1:2:3::4", "2606:4700:1:2::/64"),
        (" 9.9.9.0/24 ", "9.9.9.0/24"),
        ("2606:4700::/48", "2606:4700::/48"),
    ],
)
def test_a_network_is_an_address_or_has_a_length(text: str, network: str) -> None:
    """Without a length it is the household's."""
    assert str(parse_network(text)) == network


@pytest.mark.parametrize("text", ["9.9.9.9/24", "9.9.9.9/33", "9.9.9.9/", "x/24"])
def test_what_is_no_network_is_refused_without_repeating_it(text: str) -> None:
    """Bits beyond the length are a mistake: it is not guessed which of the two is meant."""
    with pytest.raises(ValueError, match="not a network") as refused:
        parse_network(text)
    assert text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "default", "shown"),
    [
        ("127.0.0.1:53", None, "127.0.0.1:53"),
        ("[::1]:853", None, "[::1]:853"),
        ("::1", 53, "[::1]:53"),
        ("[::1]", 53, "[::1]:53"),
        ("127.0.0.1", 53, "127.0.0.1:53"),
        ("127.0.0.1:5353", 53, "127.0.0.1:5353"),
    ],
)
def test_a_socket_address_is_shown_as_it_is_written(
    text: str, default: int | None, shown: str
) -> None:
    """IPv6 in brackets, and the default port only where none is given."""
    assert str(parse_socket_address(text, default)) == shown


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "localhost:53", "127.0.0.1:65536", "127.0.0.1:-1", "fe80::1%lo:53", ":53"]
)
def test_a_wrong_socket_address_is_told_what_it_takes(text: str) -> None:
    """Names are not looked up; a port is a number below 65536; a zone means one link only."""
    with pytest.raises(ValueError, match="takes ADDRESS:PORT"):
        parse_socket_address(text)
