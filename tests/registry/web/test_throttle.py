"""What is kept to slow guessing down: for an hour at most, under names that say nothing."""

import time

from limits import parse
from limits.storage import MemoryStorage

from registry.web.throttle import _LIMITS, _key
from tests.peers.waiting import wait_until


def test_no_count_is_for_more_than_an_hour() -> None:
    """Of all that is limited the longest window has an hour, and the memory drops it then."""
    windows = [parse(limit).get_expiry() for limits, _ in _LIMITS.values() for limit, _ in limits]
    assert max(windows) == 3600
    counts = MemoryStorage()
    counts.incr("somebody", 1)
    assert "somebody" in counts.storage
    time.sleep(1.05)
    counts.incr("another", 1)  # looks around, as every request does
    wait_until(lambda: "somebody" not in counts.storage, 10)


def test_the_key_of_a_count_says_nothing() -> None:
    """Neither account nor network is in it, and another process would have another one."""
    key = _key("account", "anna@example.com")
    assert len(key) == 64
    assert "anna" not in key
    assert key != _key("network", "anna@example.com")
