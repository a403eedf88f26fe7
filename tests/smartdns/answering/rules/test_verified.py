"""Verified addresses: remembered for minutes, in a bounded number."""

from smartdns.answering.rules.verified import MAXIMUM_ADDRESSES, REMEMBERED_S, VerifiedAddresses
from tests.smartdns.made import HOME, STRANGER


def test_an_address_is_remembered_for_minutes() -> None:
    """At least so long, at most twice as long, and nobody else by it."""
    verified = VerifiedAddresses()
    verified.note(HOME, 1_000.0)
    assert verified.lately(HOME, 1_000.0 + REMEMBERED_S)
    assert not verified.lately(STRANGER, 1_001.0)
    assert not verified.lately(HOME, 1_001.0 + 2 * REMEMBERED_S)
    assert len(verified) == 0


def test_memory_is_bounded() -> None:
    """However many addresses show themselves."""
    verified = VerifiedAddresses()
    for number in range(MAXIMUM_ADDRESSES + 100):
        verified.note(number.to_bytes(4), 1_000.0)
    assert len(verified) == MAXIMUM_ADDRESSES
