"""The exact memo."""

import ctypes
import struct

from smartdns.contract.grants import Profile
from smartdns.resolver.memo import MISS, Memo, Remembered, View
from smartdns.resolver.mmsg import VECTOR

US, GB = Profile("us"), Profile("gb")


def _given(view: View, key: bytes) -> bytes | None:
    """Read what the kernel would send."""
    vector = view.current[key]
    return None if vector is MISS else ctypes.string_at(*VECTOR.unpack(vector))


def _reply(ttl: int, until: int) -> Remembered:
    return Remembered(b"reply" + struct.pack("!I", ttl) + b"end", ((5, 100 + ttl),), until)


def _memo() -> tuple[Memo, View]:
    memo = Memo(4096, 8)
    memo.begin_second(100)
    return memo, memo.view_for(US)


def test_ttls_count_down_by_the_second() -> None:
    """The second in which it was decided has the whole TTL, each later one less."""
    memo, view = _memo()
    memo.remember(view, b"key", _reply(60, 154))
    for second in (100, 101, 130, 153):
        memo.begin_second(second)
        for _ in range(2):
            expected = b"reply" + struct.pack("!I", 160 - second) + b"end"
            assert _given(view, b"key") == expected
    memo.begin_second(154)
    assert _given(view, b"key") is None


def test_each_profile_has_replies_of_its_own() -> None:
    """What one may see another does not."""
    memo, view = _memo()
    other = memo.view_for(GB)
    memo.remember(view, b"key", Remembered(b"us", (), 1000))
    assert _given(other, b"key") is None
    memo.admit(b"addr", other)
    assert memo.tables[b"addr"] is other.current
    assert memo.tables[b"else"][b"key"] is MISS


def test_what_is_still_asked_for_outlives_what_is_not() -> None:
    """A full half makes the unused ones go, and memory never exceeds the two halves."""
    memo, view = _memo()
    memo.remember(view, b"asked", _reply(600, 700))
    memo.remember(view, b"left", Remembered(b"left", (), 700))
    for number in range(40):
        if memo.full:
            memo.turn()
        memo.begin_second(101 + number)
        assert _given(view, b"asked") == b"reply" + struct.pack("!I", 599 - number) + b"end"
        memo.remember(view, str(number).encode(), Remembered(b"other", (), 700))
        assert len(memo) <= 8
    assert _given(view, b"left") is None


def test_a_reply_that_finds_no_room_is_not_remembered() -> None:
    """Nothing is written over what may be on its way out."""
    memo, view = _memo()
    memo.remember(view, b"large", Remembered(bytes(4000), (), 700))
    memo.remember(view, b"more", Remembered(bytes(200), (), 700))
    assert memo.full
    assert _given(view, b"more") is None
    assert _given(view, b"large") == bytes(4000)


def test_forgetting_leaves_nothing() -> None:
    """Neither addresses nor replies outlive a change of what they were decided by."""
    memo, view = _memo()
    memo.admit(b"addr", view)
    memo.remember(view, b"key", Remembered(b"body", (), 700))
    memo.forget()
    assert memo.tables[b"addr"][b"key"] is MISS
    assert _given(memo.view_for(US), b"key") is None
