"""Addresses that have shown themselves: remembered for minutes, bounded."""

from smartdns.answering.shown import MAXIMUM_ADDRESSES, REMEMBERED_S, ShownAddresses
from tests.smartdns.made import HOME, STRANGER


def test_an_address_is_remembered_for_minutes() -> None:
    """At least so long, at most twice as long, and nobody else by it."""
    shown = ShownAddresses()
    shown.note(HOME, 1_000.0)
    assert shown.lately(HOME, 1_000.0 + REMEMBERED_S)
    assert not shown.lately(STRANGER, 1_001.0)
    assert not shown.lately(HOME, 1_001.0 + 2 * REMEMBERED_S)
    assert len(shown) == 0


def test_memory_is_bounded() -> None:
    """However many addresses show themselves."""
    shown = ShownAddresses()
    for number in range(MAXIMUM_ADDRESSES + 100):
        shown.note(number.to_bytes(4), 1_000.0)
    assert len(shown) == MAXIMUM_ADDRESSES
