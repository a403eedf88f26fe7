"""Clients' rates, counted as late as may be."""

import pytest

from smartdns.answering.rules.rate_limit import RateLimiter, Verdict, client_key
from smartdns.resolver.fast.rates import MOST_COUNTED, Rates

HERE, THERE = b"\x7f\0\0\1", b"\x7f\0\0\2"
RATE = 10


def _allowance(rate: float = RATE, prefix_length: int = 32) -> Rates:
    """Where every grant is of this length."""
    buckets = RateLimiter(rate, 2 * rate)
    return Rates(buckets, lambda address: client_key(address, prefix_length))


def _answered(allowance: Rates, batch: list[bytes], now: float) -> dict[bytes, int]:
    """Count what of a batch is answered, as the hot thread goes about it."""
    allowance.total += len(batch)
    if allowance.total > allowance.quiet:
        allowance.count(batch, now)
    answered = dict.fromkeys(batch, 0)
    for address in batch:
        watched = allowance.watches(address)
        answered[address] += not watched or allowance.admit(address, now) is Verdict.GO
    return answered


def test_a_household_alone_is_limited_as_by_its_bucket() -> None:
    """It gets what the plain path gives, but for what a bucket regains in the first second."""
    for size in (1, 3, 64):
        allowance = _allowance()
        plain = RateLimiter(RATE, 2 * RATE)
        total = expected = 0
        for second in range(4):
            allowance.begin_second(second)
            for number in range(0, 96, size):
                now = second + number / 100
                batch = [HERE] * size
                total += _answered(allowance, batch, now)[HERE]
                expected += sum(plain.admit(HERE, now) is Verdict.GO for _ in batch)
        assert expected - RATE < total <= expected + 1


def test_who_keeps_below_its_rate_is_never_limited() -> None:
    """A neighbour's flood is the neighbour's alone."""
    allowance = _allowance()
    for second in range(5):
        allowance.begin_second(second)
        for number in range(RATE):
            batch = [HERE] * 50 + [THERE]
            assert _answered(allowance, batch, second + number / RATE)[THERE] == 1
    assert allowance.watches(HERE)
    assert not allowance.watches(THERE)


def test_a_quiet_household_is_watched_no_longer() -> None:
    """Once its bucket is full again it costs nothing."""
    allowance = _allowance()
    _answered(allowance, [HERE] * 50, 0.0)
    allowance.begin_second(1.0)
    assert allowance.watches(HERE)
    allowance.begin_second(5.0)
    assert not allowance.watches(HERE)


@pytest.mark.parametrize(
    ("network", "prefix_length"),
    [(bytes.fromhex("20010db800010002"), 64), (bytes.fromhex("20010db8"), 48), (HERE[:3], 24)],
)
def test_addresses_of_one_network_draw_from_one_bucket(network: bytes, prefix_length: int) -> None:
    """Whoever was granted a network does not get a rate for each address in it."""
    allowance = _allowance(prefix_length=prefix_length)
    size = 4 if prefix_length == 24 else 16
    addresses = [network + number.to_bytes(size - len(network)) for number in range(50)]
    assert sum(_answered(allowance, addresses, 0.0).values()) == 2 * RATE
    assert allowance.watches(network + bytes(size - len(network)))


def test_a_flood_of_addresses_takes_bounded_memory() -> None:
    """What network an address is in is remembered for so many at most."""
    allowance = _allowance(rate=1)
    for number in range(2 * MOST_COUNTED):
        allowance.count([number.to_bytes(4)], 0.0)
    assert len(allowance.networks) <= MOST_COUNTED


def test_no_limit_counts_nobody() -> None:
    """A rate of 0 is none."""
    allowance = _allowance(rate=0)
    assert allowance.quiet > 10**9
    assert not allowance.watches(HERE)
