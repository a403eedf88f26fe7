"""The in-memory allowlist against a plain dictionary, and its promises about heads and age."""

import ipaddress
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.allowlist.grant_table import GrantTable, read_network
from smartdns.allowlist.mirror import Mirror
from smartdns.contract.addresses import Network
from smartdns.contract.grants import GrantChange, Head, Profile
from smartdns.contract.redis_layout import LayoutError, encode_network, encode_profile

TODAY = 740_000


def grants(entries: dict[str, Profile]) -> GrantTable:
    """Build a snapshot of these."""
    table = GrantTable()
    for network, profile in entries.items():
        table.put(*read_network(network.encode()), encode_profile(profile).encode())
    return table


def mirror_of(entries: dict[str, Profile], head: Head | None = None) -> Mirror:
    """Make a loaded mirror of these."""
    mirror = Mirror()
    mirror.replace(head or Head(1, 0), grants(entries), now=0.0)
    return mirror


def packed(address: str) -> bytes:
    """Octets of an address."""
    return ipaddress.ip_address(address).packed


def change(epoch: int, position: int, network: str, profile: Profile | None) -> GrantChange:
    """Make a published change."""
    return GrantChange(Head(epoch, position), ipaddress.ip_network(network), profile)


def networks() -> st.SearchStrategy[Network]:
    """Few enough addresses that networks repeat and hold each other."""
    ipv4 = st.builds(
        lambda last, length: ipaddress.ip_network((0xC6336400 + last, length), strict=False),
        st.integers(0, 15),
        st.sampled_from([0, 8, 24, 30, 31, 32]),
    )
    ipv6 = st.builds(
        lambda last, length: ipaddress.ip_network(
            ((0x2A00 << 112) + (last << 60) + last, length), strict=False
        ),
        st.integers(0, 15),
        st.sampled_from([0, 32, 62, 63, 64, 65, 127, 128]),
    )
    return st.one_of(ipv4, ipv6)


PROFILES = st.one_of(
    st.none(),
    st.builds(
        Profile,
        st.sampled_from([None, "us", "gb"]),
        last_day=st.sampled_from([None, TODAY - 1, TODAY, TODAY + 1]),
    ),
)


@given(st.lists(st.tuples(networks(), PROFILES)), st.lists(networks()), st.integers(-2, 2))
def test_lookup_gives_the_longest_network_that_holds_today(
    history: list[tuple[Network, Profile | None]], asked: list[Network], shift: int
) -> None:
    """After any history it says what a search through a dictionary of all grants says."""
    mirror, model = mirror_of({}), dict[Any, Profile]()
    for position, (network, profile) in enumerate(history, start=1):
        assert mirror.apply(GrantChange(Head(1, position), network, profile))
        model.pop(network, None)
        if profile is not None:
            model[network] = profile
    day = TODAY + shift
    for network in [*asked, *(network for network, _ in history)]:
        address = network.network_address
        expected = max(
            (n for n in model if address in n and model[n].holds_on(day)),
            key=lambda n: n.prefixlen,
            default=None,
        )
        found = mirror.lookup(address.packed, day)
        assert found == (None if expected is None else model[expected])
    assert mirror.count() == len(model)


def test_nobody_is_let_in_before_the_first_snapshot() -> None:
    """It fails closed, and says that it was never loaded."""
    mirror = Mirror()
    assert not mirror.loaded
    assert not mirror.apply(change(1, 1, "192.0.2.1/32", Profile()))
    assert mirror.lookup(packed("192.0.2.1"), TODAY) is None


@pytest.mark.parametrize(
    ("epoch", "position"),
    [(3, 5), (3, 4), (3, 7), (2, 6), (2, 99), (4, 6), (4, 1)],
    ids=["doubled", "earlier", "gap", "old epoch", "far in an old epoch", "new epoch", "rebuilt"],
)
def test_only_the_very_next_change_is_applied(epoch: int, position: int) -> None:
    """Anything doubled, reordered, old, or behind a gap leaves grants and head alone."""
    mirror = mirror_of({"192.0.2.1/32": Profile("us")}, Head(3, 5))
    assert not mirror.apply(change(epoch, position, "192.0.2.1/32", None))
    assert mirror.head == Head(3, 5)
    assert mirror.lookup(packed("192.0.2.1"), TODAY) == Profile("us")


@pytest.mark.parametrize("head", [Head(3, 5), Head(3, 4), Head(2, 100)])
def test_a_snapshot_that_is_not_newer_is_not_taken(head: Head) -> None:
    """What a lagging replica or an old Redis holds never replaces what is known."""
    mirror = mirror_of({"192.0.2.1/32": Profile("us")}, Head(3, 5))
    mirror.replace(head, grants({}), now=1.0)
    assert mirror.head == Head(3, 5)
    assert mirror.lookup(packed("192.0.2.1"), TODAY) == Profile("us")


def test_a_snapshot_of_a_later_epoch_is_taken_whatever_its_position() -> None:
    """A rebuild outranks, even where its position is lower."""
    mirror = mirror_of({"192.0.2.1/32": Profile("us")}, Head(3, 5))
    mirror.replace(Head(4, 0), grants({"192.0.2.2/32": Profile()}), now=1.0)
    assert mirror.lookup(packed("192.0.2.1"), TODAY) is None
    assert mirror.lookup(packed("192.0.2.2"), TODAY) == Profile()


def test_unconfirmed_for_too_long_lets_nobody_in_until_confirmed_again() -> None:
    """At the limit it still answers, beyond it fails closed, and contact opens it again."""
    mirror = Mirror(keep_for_s=100.0)
    mirror.replace(Head(1, 0), grants({"192.0.2.1/32": Profile()}), now=1000.0)
    mirror.confirm(1050.0)
    mirror.expire(1150.0)
    assert mirror.loaded
    mirror.expire(1150.1)
    assert not mirror.loaded
    assert mirror.lookup(packed("192.0.2.1"), TODAY) is None
    assert mirror.lookup_network(packed("192.0.2.1"), TODAY) is None
    mirror.confirm(1200.0)
    assert mirror.loaded
    assert mirror.lookup(packed("192.0.2.1"), TODAY) == Profile()


def test_generation_rises_and_listeners_hear_after_the_change_is_visible() -> None:
    """Each visible change is told once, with its network, and can be seen by then."""
    mirror, heard = Mirror(), list[tuple[Network | None, bool]]()
    mirror.on_change(
        lambda network: heard.append(
            (network, mirror.lookup(packed("192.0.2.1"), TODAY) is not None)
        )
    )
    mirror.replace(Head(1, 0), grants({}), now=0.0)
    generations = [mirror.generation]
    for position, profile in enumerate([Profile(), Profile(), None, None], start=1):
        mirror.apply(change(1, position, "192.0.2.1/32", profile))
        generations.append(mirror.generation)
    network = ipaddress.ip_network("192.0.2.1/32")
    assert heard == [(None, False), (network, True), (network, False)]
    assert [b - a for a, b in itertools.pairwise(generations)] == [1, 0, 1, 0]


NO_NETWORKS = [
    b"",
    b"/32",
    b"192.0.2.1/33",
    b"192.0.2/32",
    b"192.0.2.1/24",
    b"192.0.2.1/032",
    b"192.0.2.1 /32",
    b"192.0.2.1/64",
    b"::1/64",
    b"2001:db8:1:2:3::/64",
    b"2001:db8:1:2:3:4::/64",
    b"2001:db8::1%eth0/64",
    b"2001:db8::/129",
    b"::::/64",
    b"a/b",
    b"\xff/32",
]


@pytest.mark.parametrize("field", NO_NETWORKS)
def test_a_field_that_is_no_network_is_told_without_its_text(field: bytes) -> None:
    """Neither the fast reading nor the thorough one takes it, and the error repeats nothing."""
    with pytest.raises(LayoutError) as error:
        read_network(field)
    assert str(error.value) == "a field of the grants is not a network"


@given(networks())
def test_reading_a_field_is_the_inverse_of_writing_it(network: Network) -> None:
    """Both readers, the fast and the thorough, give the network's octets and length."""
    octets, length = read_network(encode_network(network).encode())
    assert (octets, length) == (network.network_address.packed, network.prefixlen)


@given(st.lists(st.one_of(st.sampled_from(NO_NETWORKS), networks()), max_size=30))
def test_many_fields_are_read_as_one_is(fields: list[bytes | Network]) -> None:
    """Reading a part of a scan at once lets in the same, and leaves out the same, as one by one."""
    texts = [f if isinstance(f, bytes) else encode_network(f).encode() for f in fields]
    table = GrantTable()
    unreadable = table.put_all([part for text in texts for part in (text, b"region=us")])
    assert unreadable == sum(isinstance(field, bytes) for field in fields)
    let_in = {field for field in fields if not isinstance(field, bytes)}
    assert len(table) == len(let_in)
    for network in let_in:
        assert table.lookup(network.network_address.packed, TODAY) == Profile("us")
