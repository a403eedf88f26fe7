import ipaddress

import pytest

from smartdns.answering.query import Name
from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.grants import OFF, Profile
from smartdns.relay.admission import (
    Admission,
    CheckOrigin,
    OriginRules,
    RelayLimits,
    household_key,
)
from smartdns.relay.egress import Egress
from smartdns.upstream.egress import Direct
from smartdns.wire.host_name import parse_host_name
from tests.smartdns.relay.laboratory import CATALOG, Granted

US, GB, ANY = Direct("192.0.2.1"), Direct("192.0.2.2"), Direct()


def name(text: bytes) -> Name:
    """Give the wire form of a name."""
    parsed = parse_host_name(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("profile", "egresses", "relayed", "expected"),
    [
        (Profile("us"), {"us": US, "gb": GB}, ("us", "gb"), US),
        (Profile("gb"), {"us": US, "gb": GB}, ("us", "gb"), GB),
        (Profile("us", {"film": "gb"}), {"us": US, "gb": GB}, ("us", "gb"), GB),
        (Profile("us", {"film": OFF}), {"us": US, "gb": GB}, ("us", "gb"), None),
        (Profile("us", {"other": OFF}), {"us": US}, ("us",), US),
        (Profile("fr"), {"us": US, "gb": GB}, ("us", "gb"), US),
        (Profile(), {"us": US, "gb": GB}, ("gb",), GB),
        (Profile("gb"), {"us": US}, ("us", "gb"), None),
        (Profile("gb"), {"us": US, "*": ANY}, ("*",), ANY),
        (Profile("us", {"film": "fr"}), {"us": US}, ("us",), None),
        (Profile("us"), {"us": US}, (), None),
    ],
)
@pytest.mark.processes
def test_the_profile_chooses_the_egress_and_only_served_regions_have_one(
    profile: Profile, egresses: dict[str, Egress], relayed: tuple[str, ...], expected: Egress | None
) -> None:
    """Choice for the service, then the default, then the service's first region with a relay."""
    admission = Admission(Granted(), CATALOG, egresses, relayed)
    key = admission.route(name(b"www.film.example"), profile)
    assert not isinstance(key, CheckOrigin)
    assert (None if key is None else egresses[key]) is expected


@pytest.mark.parametrize(
    ("text", "relayed"),
    [
        (b"film.example", True), (b"FILM.example.", True), (b"a.b.film.example", True),
        (b"notfilm.example", False), (b"film.example.net", False), (b"example", False),
    ],
)  # fmt: skip
def test_names_match_by_label_whatever_their_case(text: bytes, relayed: bool) -> None:
    """What only looks like a name of the catalogue is not relayed."""
    admission = Admission(Granted(), CATALOG, {"*": ANY}, ("*",))
    assert (admission.route(name(text), Profile()) is not None) == relayed


def test_only_a_registered_source_is_let_in() -> None:
    """With what it was granted, and the key of the network that was."""
    home, stranger = b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x02"
    granted = Granted({home: Profile("us")})
    admission = Admission(granted, CATALOG, {"*": ANY}, ("*",))
    assert admission.admit(stranger, 0) is None
    assert admission.admit(home, 0) == (Profile("us"), home)
    assert admission.still_lets_in(home, 0)
    granted.remove(home)
    assert not admission.still_lets_in(home, 0)
    assert admission.admit(home, 0) is None


@pytest.mark.parametrize(
    ("text", "led"),
    [
        (b"relay-a1-film.check.dns.example", True), (b"a1.check.dns.example", False),
        (b"relay-a1.b.check.dns.example", False), (b"check.dns.example", False),
    ],
)  # fmt: skip
def test_only_check_names_of_a_relay_lead_to_the_check_origin(text: bytes, led: bool) -> None:
    """Whatever the household may reach; without a check origin they lead nowhere."""
    check = CheckOrigin(name(b"check.dns.example"), parse_socket_address("127.0.0.1:443"))
    for given_check in (check, None):
        admission = Admission(Granted(), CATALOG, {"*": ANY}, ("*",), given_check)
        expected = given_check if led else None
        assert admission.route(name(text), Profile("us", {"film": OFF})) is expected


@pytest.mark.parametrize("descriptors", [64, 256, 1024, 20_000, 1_048_576])
def test_limits_fit_the_descriptors_that_there_are(descriptors: int) -> None:
    """Two for a connection, two for a pipe, and some for everything else."""
    limits = RelayLimits().within(descriptors)
    assert limits.connections >= 1
    assert limits.connections <= RelayLimits().connections
    assert descriptors < 256 or 2 * (limits.connections + limits.pipes) < descriptors


def test_connections_of_one_household_have_one_key() -> None:
    """All of the network that was granted; privacy addresses of one /64 in any case."""
    assert household_key(bytes((192, 0, 2, 1)), 32) != household_key(bytes((192, 0, 2, 2)), 32)
    assert household_key(bytes((192, 0, 2, 1)), 26) == household_key(bytes((192, 0, 2, 2)), 26)
    one, other = bytes(15) + b"\x01", bytes(8) + b"\xff" * 8
    assert household_key(one, 128) == household_key(other, 128) == bytes(8)
    assert household_key(one, 56) == household_key(bytes(7) + b"\x05" + bytes(8), 56)


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
