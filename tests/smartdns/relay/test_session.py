import pytest

from smartdns.answering.query import Name
from smartdns.contract.grants import OFF, Profile
from smartdns.relay.exits import Exit
from smartdns.relay.session import Census, Knowledge, Limits, client_network
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
    ("profile", "exits", "relayed", "expected"),
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
def test_the_profile_chooses_the_way_out_and_only_served_regions_have_one(
    profile: Profile, exits: dict[str, Exit], relayed: tuple[str, ...], expected: Exit | None
) -> None:
    """Choice for the service, then the default, then the service's first region with a relay."""
    knowledge = Knowledge(Granted(), CATALOG, exits, relayed)
    key = knowledge.way_out(name(b"www.film.example"), profile)
    assert (None if key is None else exits[key]) is expected


@pytest.mark.parametrize(
    ("text", "relayed"),
    [
        (b"film.example", True), (b"FILM.example.", True), (b"a.b.film.example", True),
        (b"notfilm.example", False), (b"film.example.net", False), (b"example", False),
    ],
)  # fmt: skip
def test_names_match_by_label_whatever_their_case(text: bytes, relayed: bool) -> None:
    """What only looks like a name of the catalogue is not relayed."""
    knowledge = Knowledge(Granted(), CATALOG, {"*": ANY}, ("*",))
    assert (knowledge.way_out(name(text), Profile()) is not None) == relayed


def test_connections_are_counted_for_each_client_and_in_all() -> None:
    """One client cannot take everything, and who has left leaves nothing behind."""
    census = Census(Limits(connections=3, connections_per_client=2))
    one, other = client_network(b"\xc0\x00\x02\x01"), client_network(b"\xc0\x00\x02\x02")
    assert census.enter(one)
    assert census.enter(one)
    assert not census.enter(one)
    assert census.enter(other)
    assert census.full
    for network in (one, one, other):
        census.leave(network)
    assert census.total == 0
    assert census._per_client == {}


@pytest.mark.parametrize("descriptors", [64, 256, 1024, 20_000, 1_048_576])
def test_limits_fit_the_descriptors_that_there_are(descriptors: int) -> None:
    """Two for a connection, two for a pipe, and some for everything else."""
    limits = Limits().within(descriptors)
    assert limits.connections >= 1
    assert limits.connections <= Limits().connections
    assert descriptors < 256 or 2 * (limits.connections + limits.pipes) < descriptors


def test_an_ipv6_household_is_one_client() -> None:
    """Privacy addresses of one /64 share its limit."""
    assert client_network(bytes(15) + b"\x01") == client_network(bytes(8) + b"\xff" * 8)
