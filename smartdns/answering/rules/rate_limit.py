"""Token buckets: one for each network, forgotten when it is full again."""

from enum import Enum
from typing import Final


class Verdict(Enum):
    """What to do with one more query."""

    GO = "answer it"
    SLIP = "send it the question with TC: who is really there comes back over TCP"
    DROP = "send nothing"


def client_key(address: bytes, prefix_length: int) -> bytes:
    """Give the key of a granted address's bucket: the granted network."""
    unused = 8 * len(address) - prefix_length
    if not unused:
        return address
    network = int.from_bytes(address) >> unused << unused
    return network.to_bytes(len(address)) + bytes((prefix_length,))


def host_key(address: bytes) -> bytes:
    """Give the key of a stranger's own bucket: /32 and /64."""
    return address if len(address) == 4 else address[:8]


def stranger_key(address: bytes) -> bytes:
    """Give the key of the bucket for refusals to an address: /24 and /56."""
    return address[:3] if len(address) == 4 else address[:7]


_ROUNDING: Final = 1e-3  # of one query: sums of 1 / rate are not exact


class RateLimiter:
    """A rate for each key, with a burst; of the queries above it, every second one slips (TC).

    It holds one float a key, in two generations: a bucket that nobody drew from until it was full
    again is as good as none, so the older generation is dropped whole. When a flood of keys fills
    a generation, the keys beyond it share one bucket: memory is bounded, and no flood of made-up
    sources buys itself more than that.
    """

    def __init__(self, rate: float, burst: float, maximum_keys: int = 100_000) -> None:
        """`rate` in queries a second, 0 for no limit; `burst` in queries."""
        self.rate = rate
        self._burst = burst
        self._maximum_keys = maximum_keys
        self._young: dict[bytes, float] = {}
        self._old: dict[bytes, float] = {}
        self._turned_at = 0.0
        self._slip = False

    def admit(self, key: bytes, now: float) -> Verdict:
        """Count one query of `key` at `now`, in seconds of a monotonic clock."""
        if not self.wait_s(key, now):
            return Verdict.GO
        self._slip = not self._slip
        return Verdict.SLIP if self._slip else Verdict.DROP

    def wait_s(self, key: bytes, now: float) -> float:
        """Count one query of `key` and give 0; where that is too many count none.

        Gives the seconds then until there is room for one more.
        """
        if self.rate <= 0:
            return 0.0
        self.forget_full(now)
        full_at = self._young.get(key)
        if full_at is None:
            if len(self._young) >= self._maximum_keys:
                key = b""
                full_at = self._young.get(key, now)
            else:
                full_at = self._old.get(key, now)
        # A bucket is known by when it will be full: each query puts that off by 1 / rate.
        full_at = max(full_at, now) + 1 / self.rate
        too_early_s = full_at - now - (self._burst + _ROUNDING) / self.rate
        if too_early_s > 0:
            return too_early_s
        self._young[key] = full_at
        return 0.0

    def charge(self, key: bytes, queries: int, now: float) -> None:
        """Take tokens for queries already answered, at most until the bucket is empty."""
        if self.rate <= 0:
            return
        self.forget_full(now)
        if key not in self._young and len(self._young) >= self._maximum_keys:
            key = b""
        full_at = max(self._young.get(key, now), self._old.get(key, now), now)
        self._young[key] = min(full_at + queries / self.rate, now + self._burst / self.rate)

    def is_full(self, key: bytes, now: float) -> bool:
        """Say whether a bucket is full."""
        return max(self._young.get(key, now), self._old.get(key, now)) <= now

    def forget_full(self, now: float) -> None:
        """Drop buckets that are full again: the older generation, once all in it are."""
        age, fills_in = now - self._turned_at, self._burst / self.rate if self.rate > 0 else 0.0
        if age > fills_in:
            self._old = self._young if age <= 2 * fills_in else {}
            self._young = {}
            self._turned_at = now

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
