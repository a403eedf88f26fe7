"""Token buckets: what passes, what slips, what memory they take."""

from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.rules.rate_limit import (
    RateLimiter,
    Verdict,
    client_key,
    host_key,
    stranger_key,
)
from tests.smartdns.made import HOME

KEY = b"abc"


def admitted(limiter: RateLimiter, times: int, now: float, key: bytes = KEY) -> int:
    """Count how many of so many queries pass."""
    return sum(limiter.admit(key, now) is Verdict.GO for _ in range(times))


def test_a_burst_passes_and_then_the_rate() -> None:
    """A household that was quiet has its burst; after it so many a second."""
    limiter = RateLimiter(10, 20)
    assert admitted(limiter, 100, 1_000.0) == 20
    assert admitted(limiter, 100, 1_001.0) == 10
    assert admitted(limiter, 100, 1_011.0) == 20


def test_beyond_it_every_second_one_slips() -> None:
    """A truncated reply lets a real client come back over TCP; a forged flood gets half of it."""
    limiter = RateLimiter(1, 1)
    verdicts = [limiter.admit(KEY, 1_000.0) for _ in range(101)]
    assert verdicts.count(Verdict.GO) == 1
    assert verdicts.count(Verdict.SLIP) == verdicts.count(Verdict.DROP) == 50


def test_one_does_not_pay_for_another() -> None:
    """Each key has its own bucket."""
    limiter = RateLimiter(5, 5)
    assert admitted(limiter, 100, 1_000.0) == 5
    assert admitted(limiter, 100, 1_000.0, b"other") == 5


def test_zero_is_no_limit() -> None:
    """As the setting says."""
    assert admitted(RateLimiter(0, 0), 10_000, 1_000.0) == 10_000


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 30)), max_size=40))
def test_no_pattern_gets_more_than_burst_and_rate(steps: list[tuple[float, int]]) -> None:
    """Over any time t at most burst + rate * t pass, and whoever stays below loses nothing."""
    limiter, now, total = RateLimiter(10, 20), 1_000.0, 0
    for pause, count in steps:
        now += pause
        total += admitted(limiter, count, now)
        assert total <= 20 + 10 * (now - 1_000.0) + 0.01
    assert admitted(limiter, 1, now + 0.2) == 1


@given(st.lists(st.floats(0.1001, 5), max_size=60))
def test_who_keeps_to_the_rate_is_never_stopped(pauses: list[float]) -> None:
    """Forgetting old buckets never takes tokens away."""
    limiter, now = RateLimiter(10, 1), 1_000.0
    for pause in pauses:
        now += pause
        assert limiter.admit(KEY, now) is Verdict.GO


def test_a_flood_of_sources_takes_bounded_memory() -> None:
    """Beyond so many keys the newcomers share one bucket; whoever has one already keeps it."""
    limiter = RateLimiter(10, 20, maximum_keys=100)
    assert admitted(limiter, 1, 1_000.0) == 1
    passed = sum(admitted(limiter, 1, 1_000.0, number.to_bytes(4)) for number in range(10_000))
    assert len(limiter) <= 102
    assert passed <= 100 + 20
    assert admitted(limiter, 5, 1_000.0) == 5


def test_who_can_wait_is_told_for_how_long() -> None:
    """After it the query passes; before it nothing is counted, however often it is tried."""
    limiter = RateLimiter(10, 20)
    assert sum(limiter.wait_s(KEY, 1_000.0) == 0 for _ in range(100)) == 20
    seconds = limiter.wait_s(KEY, 1_000.0)
    assert 0 < seconds <= 0.1
    assert limiter.wait_s(KEY, 1_000.0 + seconds) == 0
    assert RateLimiter(0, 0).wait_s(KEY, 1_000.0) == 0


def test_what_was_answered_elsewhere_is_charged_afterwards() -> None:
    """Up to an empty bucket, which then fills at the rate; a full one has nothing missing."""
    limiter = RateLimiter(10, 20)
    assert limiter.is_full(KEY, 1_000.0)
    limiter.charge(KEY, 15, 1_000.0)
    assert not limiter.is_full(KEY, 1_000.0)
    assert admitted(limiter, 100, 1_000.0) == 5
    limiter.charge(KEY, 1_000, 1_000.0)
    assert admitted(limiter, 100, 1_001.0) == 10
    assert limiter.is_full(KEY, 1_003.1)
    RateLimiter(0, 0).charge(KEY, 5, 1_000.0)


def test_buckets_are_gone_after_seconds() -> None:
    """Nothing about who asked stays in memory for longer than it takes a bucket to fill."""
    limiter = RateLimiter(10, 20)
    admitted(limiter, 1, 1_000.0)
    admitted(limiter, 1, 1_005.0, b"other")
    assert limiter._young.keys() | limiter._old.keys() == {b"other"}


def test_whose_bucket() -> None:
    """That of the network that was granted; of strangers the /24 or /56."""
    ipv6, neighbour = bytes(range(16)), bytes(range(8)) + bytes(8)
    assert client_key(HOME, 32) == HOME
    assert client_key(ipv6, 64) == client_key(neighbour, 64)
    assert client_key(ipv6, 128) != client_key(neighbour, 128)
    assert client_key(HOME, 24) == client_key(HOME[:3] + b"\xff", 24)
    keys = {client_key(bytes(size), length) for size, length in ((4, 24), (4, 25), (16, 24))}
    assert len(keys) == 3
    assert (host_key(HOME), host_key(ipv6)) == (HOME, ipv6[:8])
    assert (stranger_key(HOME), stranger_key(ipv6)) == (HOME[:3], ipv6[:7])
