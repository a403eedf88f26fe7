"""Networks read by hand, and which of several around an address counts."""

import contextlib
import datetime
import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.allowlist.grant_table import GrantTable, packed_network, read_network
from smartdns.contract.redis_layout import LayoutError, decode_network

DAY = 739_000
NETWORKS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)),
).map(lambda made: ipaddress.ip_network(made, strict=False))


@given(NETWORKS)
def test_what_the_registry_writes_is_read_as_the_layout_reads_it(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> None:
    """By hand, since a million of them by `ipaddress` would take five seconds."""
    assert read_network(str(network).encode()) == packed_network(network)


@given(st.binary(max_size=20) | st.from_regex(rb"[0-9a-f.:]{1,20}/[0-9]{1,3}", fullmatch=True))
def test_what_is_taken_is_a_network_and_all_else_is_an_error_without_the_text(field: bytes) -> None:
    """Nothing is taken that the layout would refuse, but for a length that begins with 0."""
    taken = None
    with contextlib.suppress(LayoutError):
        taken = read_network(field)
    if taken is not None:
        assert packed_network(decode_network(field)) == taken


@pytest.mark.parametrize(
    "field", [b"", b"/", b"203.0.113.7", b"203.0.113.7/33", b"203.0.113.7/24", b"::1/-1", b"\xff/8"]
)
def test_no_network_is_said_without_repeating_it(field: bytes) -> None:
    """An operator may read the message."""
    with pytest.raises(LayoutError, match="not a network") as refused:
        read_network(field)
    assert "203" not in str(refused.value)


def table_of(*grants: tuple[str, str]) -> GrantTable:
    """Give a table of networks and the texts of their profiles."""
    table = GrantTable()
    flat = [each.encode() for grant in grants for each in grant]
    assert table.put_all(flat) == 0
    return table


def region_at(table: GrantTable, address: str, day: int = DAY) -> str | None:
    """Give the region that an address has, or None."""
    profile = table.lookup(ipaddress.ip_address(address).packed, day)
    return None if profile is None else profile.region


def test_the_longest_network_that_still_holds_counts() -> None:
    """One that has ended lets the wider one through."""
    last_day = datetime.date(2026, 11, 30)
    table = table_of(
        ("203.0.113.0/24", "region=gb"),
        ("203.0.113.7/32", f"region=us until={last_day}"),
        ("2001:db8::/32", "region=de"),
        ("2001:db8:0:1::/64", "region=fr"),
    )
    assert region_at(table, "203.0.113.7", last_day.toordinal()) == "us"
    assert region_at(table, "203.0.113.7", last_day.toordinal() + 1) == "gb"
    assert region_at(table, "203.0.114.1") is None
    assert region_at(table, "2001:db8:0:1:ffff::1") == "fr"
    assert region_at(table, "2001:db8:0:2::1") == "de"


def test_what_cannot_be_read_is_counted_and_left_out() -> None:
    """A newer registry may write what this resolver does not know."""
    table = GrantTable()
    fields = [b"203.0.113.7/32", b"region=us", b"no network", b"-", b"192.0.2.1/32", b"colour=red"]
    assert table.put_all(fields) == 2
    assert len(table) == 1
    assert region_at(table, "203.0.113.7") == "us"


def test_a_network_is_removed_once() -> None:
    """And the profile that nobody uses any more goes with it."""
    table = table_of(("203.0.113.7/32", "region=us"), ("203.0.113.8/32", "region=us"))
    packed = ipaddress.ip_address("203.0.113.7").packed
    assert table.remove(packed, 32)
    assert not table.remove(packed, 32)
    assert region_at(table, "203.0.113.8") == "us"
    assert table.remove(ipaddress.ip_address("203.0.113.8").packed, 32)
    assert (len(table), table._profiles, table._numbers) == (0, {}, {})
