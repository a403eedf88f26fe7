"""Places: how many may wait for upstreams at once, and how many of them one network may be.

A network may take a third of the places that are free. So however much one of them asks, every
other still finds some: each further network gets a third of what is left.
"""

from collections import Counter
from typing import Final

_OF_THE_FREE: Final = 3
NOBODY: Final = b""
"""In place of a network, for questions of our own: they are not counted against anybody."""


class Places:
    """Those who wait, by network."""

    def __init__(self) -> None:
        self._waiting: Counter[bytes] = Counter()

    def has_room(self, network: bytes, free: int) -> bool:
        """Say whether one more of `network` may wait where `free` places are left of all."""
        return free > 0 and (network == NOBODY or self._waiting[network] * _OF_THE_FREE < free)

    def take(self, network: bytes) -> None:
        """Count one who waits."""
        self._waiting[network] += 1

    def give_back(self, network: bytes) -> None:
        """Count one less; nothing is kept of a network of which nobody waits."""
        self._waiting[network] -= 1
        if not self._waiting[network]:
            del self._waiting[network]

    def __len__(self) -> int:
        """All who wait."""
        return self._waiting.total()
