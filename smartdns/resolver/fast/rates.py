"""Clients' rates at the price of nothing while all together ask less than one may.

Each second goes through up to three stages, for the batches of one thread:

    all together <= one's rate      nobody can have exceeded it: one addition for a batch
    more                            senders are counted (0.09 us a query)
    one asked more than its rate    it is *watched*: taken out of the memo's tables, charged what it
                                    asked, and each further query goes through the token bucket

A watched household is let go once its bucket is full again. So a household alone is limited as by
the bucket itself, burst and all, but for what the bucket regained in that second. Among others it
may be charged at most one second's rate too much when it becomes watched, and only if it exceeded
its rate.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from smartdns.answering.rules.rate_limit import RateLimiter, Verdict

MOST_COUNTED: Final = 65_536


class Networks(dict[bytes, bytes]):
    """Address -> key of the network whose rate it draws from, each asked for once."""

    def __init__(self, key_of: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._key_of = key_of

    def __missing__(self, address: bytes) -> bytes:
        """Ask; a flood of addresses does not fill the memory."""
        if len(self) >= MOST_COUNTED:
            self.clear()
        key = self[address] = self._key_of(address)
        return key


class Rates:
    """Counts what granted networks ask, and knows which of them are watched."""

    def __init__(self, buckets: RateLimiter, key_of: Callable[[bytes], bytes]) -> None:
        """`buckets` are those that the plain path draws from, by the key of an address."""
        self._buckets = buckets
        self.networks = Networks(key_of)
        """To be cleared when grants change."""
        self.quiet = buckets.rate or math.inf
        """So many queries of all together in a second, and nobody needs to be counted."""
        self.total = 0
        """In this second; whoever reads a batch adds to it."""
        self._counting = False
        self._uncounted = 0
        """Of this second, what was answered before counting began."""
        self._counts: Counter[bytes] = Counter()
        self._watched: set[bytes] = set()

    def begin_second(self, now: float) -> None:
        """Let go of who has been quiet, and count anew."""
        self.total = self._uncounted = 0
        self._counting = False
        self._counts.clear()
        self._let_go(now)

    def count(self, addresses: Sequence[bytes], now: float) -> bool:
        """Count a batch's senders before it is answered, where `total` is more than `quiet`.

        True: some of them are watched anew.
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
            # What was answered before counting began may have been all its.
            self._buckets.charge(key, before + self._uncounted, now)
        self._watched |= fresh
        if len(counts) > MOST_COUNTED:
            counts.clear()
        return bool(fresh)

    def forget_addresses(self, now: float) -> None:
        """Keep nobody but those who exceed their rate."""
        self._let_go(now)
        self.networks.clear()
        self._counts.clear()
        self._uncounted = self.total

    def watches(self, address: bytes) -> bool:
        """Say whether the queries of `address` need `admit`."""
        return bool(self._watched) and self.networks[address] in self._watched

    def admit(self, address: bytes, now: float) -> Verdict:
        """Draw from the bucket of a watched address."""
        return self._buckets.admit(self.networks[address], now)

    def _let_go(self, now: float) -> None:
        for key in [key for key in self._watched if self._buckets.is_full(key, now)]:
            self._watched.discard(key)
