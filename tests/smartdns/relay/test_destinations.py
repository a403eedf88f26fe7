import ipaddress

import pytest

from smartdns.contract.addresses import parse_socket_address
from smartdns.relay.destinations import MOST_ADDRESSES, OriginRules, order

SPECIAL = [
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "fd00::1",
    "127.0.0.1", "127.8.8.8", "::1",
    "169.254.169.254", "fe80::1",
    "100.64.0.1",
    "224.0.0.1", "ff02::1",
    "0.0.0.0", "0.1.2.3", "::", "240.0.0.1", "255.255.255.255", "192.0.0.8", "198.18.0.1",
    "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1",
    "::ffff:93.184.216.34", "::ffff:127.0.0.1", "::93.184.216.34",
    "64:ff9b::5db8:d822", "64:ff9b:1::1",
    "2002:5db8:d822::1", "192.88.99.1", "2001::1",
]  # fmt: skip


@pytest.mark.parametrize("text", SPECIAL)
def test_special_addresses_are_no_origins(text: str) -> None:
    """Private, loopback, link-local, shared, multicast, reserved, mapped, NAT64, 6to4."""
    assert not OriginRules().allow(ipaddress.ip_address(text), 443, local=False)


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:2800:220:1::1"])
def test_public_addresses_are_unless_they_are_ours(text: str) -> None:
    """Neither what settings call ours nor what this machine has may be reached."""
    address = ipaddress.ip_address(text)
    assert OriginRules().allow(address, 443, local=False)
    assert not OriginRules(own=frozenset({address})).allow(address, 443, local=False)
    assert not OriginRules().allow(address, 443, local=True)


@pytest.mark.parametrize("text", sorted(set(SPECIAL)))
def test_a_laboratory_adds_private_and_loopback_origins_only(text: str) -> None:
    """The switch opens no more than it says."""
    address = ipaddress.ip_address(text)
    plain = not text.startswith("::ffff")
    expected = plain and text.startswith(("10.", "172.16", "192.168", "fd00", "127.", "::1"))
    assert OriginRules(private_allowed=True).allow(address, 443, local=False) == expected


def test_not_even_a_laboratory_connects_to_its_own_port() -> None:
    """Neither where it is bound nor, bound to everything, at any address of the machine."""
    bound = frozenset({parse_socket_address("127.0.0.1:443"), parse_socket_address("0.0.0.0:80")})
    rules = OriginRules(listening=bound, private_allowed=True, own=frozenset())
    loopback, other = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("10.0.0.1")
    assert not rules.allow(loopback, 443, local=True)
    assert not rules.allow(other, 80, local=True)
    assert rules.allow(loopback, 8443, local=True)
    assert rules.allow(other, 443, local=True)
    assert rules.allow(other, 80, local=False)


def test_families_take_turns_and_each_address_comes_once() -> None:
    """RFC 8305 section 4: IPv6 first, then in turn."""
    texts = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "2001:db8::1"]
    ordered = order(map(ipaddress.ip_address, texts))
    assert [host for _, host in ordered] == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]


def test_the_number_of_attempts_is_bounded() -> None:
    """A name with many addresses costs no more than one with a few."""
    many = [ipaddress.ip_address(f"192.0.2.{number}") for number in range(100)]
    assert len(order(many)) == MOST_ADDRESSES


def test_an_endpoint_shows_nothing() -> None:
    """Where somebody goes appears in no log, whoever prints it."""
    assert "192.0.2.1" not in repr(order([ipaddress.ip_address("192.0.2.1")]))
