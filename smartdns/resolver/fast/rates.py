"""Per-client rate limits that cost nothing while total traffic is below one client's limit.

Each second has up to three stages, for the batches of one thread:

    total <= one network's rate     no network can have exceeded it: one addition for each batch
    total above that                senders are counted (0.09 us a query)
    a network exceeds its rate      it is *watched*: taken out of the memo's tables, charged what it
                                    asked, and each further query goes through the token bucket

A network is no longer watched when its bucket is full again. So a network that asks alone is
limited as by the bucket itself, burst included, except for what the bucket regained in that second.
If others ask, too, a network may be charged at most one second's rate too much when it becomes
watched, and only if it exceeded its rate.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from smartdns.answering.rules.rate_limit import RateLimiter, Verdict

MOST_COUNTED: Final = 65_536


class Networks(dict[bytes, bytes]):
    """Address -> key of the network whose rate it uses; each key is computed once."""

    def __init__(self, key_of: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._key_of = key_of

    def __missing__(self, address: bytes) -> bytes:
        """Compute the key; the table is bounded, so that a flood cannot fill the memory."""
        if len(self) >= MOST_COUNTED:
            self.clear()
        key = self[address] = self._key_of(address)
        return key


class Rates:
    """Counts the queries of granted networks, and knows which networks are watched."""

    def __init__(self, buckets: RateLimiter, key_of: Callable[[bytes], bytes]) -> None:
        """`buckets` are shared with the plain path; `key_of` gives the key of an address."""
        self._buckets = buckets
        self.networks = Networks(key_of)
        """Must be cleared when grants change."""
        self.quiet = buckets.rate or math.inf
        """Up to this many queries in a second, from all networks, nothing needs to be counted."""
        self.total = 0
        """Queries of this second; the loop adds each batch to it."""
        self._counting = False
        self._uncounted = 0
        """Queries of this second that were answered before counting began."""
        self._counts: Counter[bytes] = Counter()
        self._watched: set[bytes] = set()

    def begin_second(self, now: float) -> None:
        """Count from zero, and stop watching networks whose buckets are full again."""
        self.total = self._uncounted = 0
        self._counting = False
        self._counts.clear()
        self._let_go(now)

    def count(self, addresses: Sequence[bytes], now: float) -> bool:
        """Count a batch's senders before it is answered, when `total` is more than `quiet`.

        True: a network became watched; the memo must forget addresses.
        """
        rate = self._buckets.rate
        if not self._counting:
            self._counting, self._uncounted = True, self.total - len(addresses)
        networks = self.networks
        keys = [networks[each] for each in addresses]
        counts = self._counts
        counts.update(keys)
        if max(map(counts.__getitem__, keys)) <= rate:
            return False
        fresh = {key for key in keys if counts[key] > rate} - self._watched
        for key in fresh:
            before = counts[key] - sum(each == key for each in keys)
            # All the queries before counting began may have come from this network.
            self._buckets.charge(key, before + self._uncounted, now)
        self._watched |= fresh
        if len(counts) > MOST_COUNTED:
            counts.clear()
        return bool(fresh)

    def forget_addresses(self, now: float) -> None:
        """Forget all networks except those that exceed their rate."""
        self._let_go(now)
        self.networks.clear()
        self._counts.clear()
        self._uncounted = self.total

    def watches(self, address: bytes) -> bool:
        """Say whether the queries of `address` need `admit`."""
        return bool(self._watched) and self.networks[address] in self._watched

    def admit(self, address: bytes, now: float) -> Verdict:
        """Take a token from the bucket of a watched address."""
        return self._buckets.admit(self.networks[address], now)

    def _let_go(self, now: float) -> None:
        for key in [key for key in self._watched if self._buckets.is_full(key, now)]:
            self._watched.discard(key)
