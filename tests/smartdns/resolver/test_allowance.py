"""Clients' rates, counted as late as may be."""

from smartdns.answering.rate_limit import RateLimiter, Verdict
from smartdns.resolver.allowance import Allowance

HERE, THERE = b"\x7f\0\0\1", b"\x7f\0\0\2"
RATE = 10


def _answered(allowance: Allowance, batch: list[bytes], now: float) -> dict[bytes, int]:
    """Count what of a batch is answered, as the hot thread goes about it."""
    allowance.count(batch, now)
    answered = dict.fromkeys(batch, 0)
    for address in batch:
        watched = allowance.watches(address)
        answered[address] += not watched or allowance.admit(address, now) is Verdict.GO
    return answered


def test_a_household_alone_is_limited_as_by_its_bucket() -> None:
    """It gets what the plain path gives, but for what a bucket regains in the first second."""
    for size in (1, 3, 64):
        allowance = Allowance(RateLimiter(RATE, 2 * RATE))
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
    allowance = Allowance(RateLimiter(RATE, 2 * RATE))
    for second in range(5):
        allowance.begin_second(second)
        for number in range(RATE):
            batch = [HERE] * 50 + [THERE]
            assert _answered(allowance, batch, second + number / RATE)[THERE] == 1
    assert allowance.watches(HERE)
    assert not allowance.watches(THERE)


def test_a_quiet_household_is_watched_no_longer() -> None:
    """Once its bucket is full again it costs nothing."""
    allowance = Allowance(RateLimiter(RATE, 2 * RATE))
    _answered(allowance, [HERE] * 50, 0.0)
    allowance.begin_second(1.0)
    assert allowance.watches(HERE)
    allowance.begin_second(5.0)
    assert not allowance.watches(HERE)


def test_addresses_of_one_ipv6_network_draw_from_one_bucket() -> None:
    """A household has a /64, and does not get a rate for each address in it."""
    allowance = Allowance(RateLimiter(RATE, 2 * RATE))
    network = bytes.fromhex("20010db800010002")
    addresses = [network + number.to_bytes(8) for number in range(50)]
    assert sum(_answered(allowance, addresses, 0.0).values()) == 2 * RATE


def test_no_limit_counts_nobody() -> None:
    """A rate of 0 is none."""
    allowance = Allowance(RateLimiter(0, 0))
    assert not allowance.count([HERE] * 64, 0.0)
    assert not allowance.watches(HERE)
