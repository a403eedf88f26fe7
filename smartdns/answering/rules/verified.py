"""Source addresses that were verified recently, for the few networks known by a DDNS name only.

A client that completes a TCP connection or returns our cookie has proven its address. UDP queries
of a claimed network are answered in full only after that. Addresses are kept for minutes, in
memory, in a bounded number, and only those of claimed networks.
"""

from typing import Final

REMEMBERED_S: Final = 600
MAXIMUM_ADDRESSES: Final = 10_000


class VerifiedAddresses:
    """Two generations of addresses; the older one is dropped as a whole."""

    def __init__(self) -> None:
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()
        self._turned_at = 0.0

    def note(self, address: bytes, now: float) -> None:
        """Remember an address for at least `REMEMBERED_S` seconds, unless there are too many."""
        self._turn(now)
        if len(self._young) < MAXIMUM_ADDRESSES:
            self._young.add(address)

    def lately(self, address: bytes, now: float) -> bool:
        """Say whether an address was verified recently."""
        self._turn(now)
        return address in self._young or address in self._old

    def _turn(self, now: float) -> None:
        age = now - self._turned_at
        if age > REMEMBERED_S:
            self._old = self._young if age <= 2 * REMEMBERED_S else set()
            self._young = set()
            self._turned_at = now

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
