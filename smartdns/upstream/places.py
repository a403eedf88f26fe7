"""Places: limits how many queries wait for upstreams at once, in total and for each network.

The queries of one network may be at most a third of the places still free. So however much one
network asks, others find places: each further network gets a third of those left.
"""

from collections import Counter
from typing import Final

_OF_THE_FREE: Final = 3
NOBODY: Final = b""
"""In place of a network, for our own questions: they count for no network."""


class Places:
    """Counts the queries that wait, by network."""

    def __init__(self) -> None:
        self._waiting: Counter[bytes] = Counter()

    def has_room(self, network: bytes, free: int) -> bool:
        """Say whether one more query of `network` may wait, if `free` places are left in total."""
        return free > 0 and (network == NOBODY or self._waiting[network] * _OF_THE_FREE < free)

    def take(self, network: bytes) -> None:
        """Count one query more."""
        self._waiting[network] += 1

    def give_back(self, network: bytes) -> None:
        """Count one query less; a network without waiting queries is forgotten."""
        self._waiting[network] -= 1
        if not self._waiting[network]:
            del self._waiting[network]

    def __len__(self) -> int:
        """All queries that wait."""
        return self._waiting.total()
