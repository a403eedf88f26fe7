"""The memo against a model of it: whatever happens, a hit is what was remembered last, aged."""

import ctypes
import struct

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from smartdns.contract.grants import Profile
from smartdns.resolver.fast.batch import VECTOR
from smartdns.resolver.fast.memo import MISS, Memo, View
from smartdns.resolver.rendering import FOR_EVER, Rendered

HALF_OCTETS, HALF_REPLIES = 400, 4
PROFILES = [Profile("us"), Profile("gb"), Profile("de")]
QUERY = b"\x81\x80\0\1\0\1\0\0\0\0\1x\0\0\1\0\1"
"""Of a reply to x, after its ID, up to its one record."""
keys = st.sampled_from([b"a", b"b", b"c", b"d", b"e", b"f"])
whose = st.sampled_from(range(len(PROFILES)))


def body(ttl: int, data: bytes) -> bytes:
    """Give a reply with one record, after its ID."""
    return QUERY + struct.pack("!HHHIH", 0xC00C, 16, 1, ttl, len(data)) + data


class MemoAgainstModel(RuleBasedStateMachine):
    """Remember, ask, let seconds pass, turn, forget, in any order, as between batches."""

    def __init__(self) -> None:
        super().__init__()
        self.memo = Memo(HALF_OCTETS, HALF_REPLIES)
        self.second = 100
        self.memo.begin_second(self.second)
        self.known: dict[tuple[int, bytes], tuple[float, int | None, int, bytes]] = {}
        """Until when, the second in which its TTL is 0 (None: constant), its TTL, its data."""
        self.hits = 0

    def view(self, profile: int) -> View:
        """Give the view of one of the profiles."""
        return self.memo.view_for(PROFILES[profile])

    @rule(
        profile=whose,
        key=keys,
        ttl=st.integers(0, 40),
        lasts=st.floats(0, 50),
        constant=st.booleans(),
        data=st.binary(min_size=1, max_size=120),
    )
    def remember(
        self, profile: int, key: bytes, ttl: int, lasts: float, constant: bool, data: bytes
    ) -> None:
        until = FOR_EVER if constant else self.second + lasts
        before = len(self.memo)
        reply = Rendered(b"\0\0" + body(ttl, data), until, constant=constant)
        self.memo.remember(self.view(profile), key, reply, self.second)
        if len(self.memo) > before:
            zero = None if constant else self.second + ttl
            self.known[profile, key] = until, zero, ttl, data

    @rule(profile=whose, key=keys)
    def ask(self, profile: int, key: bytes) -> None:
        vector = self.view(profile).current[key]
        if vector is MISS:
            return
        until, zero, ttl, data = self.known[profile, key]
        assert self.second < until
        assert zero is None or self.second < zero
        left = ttl if zero is None else zero - self.second
        assert ctypes.string_at(*VECTOR.unpack(vector)) == body(left, data)

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds: int) -> None:
        self.second += seconds
        self.memo.begin_second(self.second)

    @rule()
    def turn(self) -> None:
        self.memo.turn()

    @rule()
    def forget(self) -> None:
        self.memo.forget()
        self.known.clear()
        assert all(self.view(profile).current[b"a"] is MISS for profile in range(len(PROFILES)))

    @invariant()
    def its_memory_is_bounded(self) -> None:
        kept = [
            entry
            for profile in range(len(PROFILES))
            for half in (self.view(profile).current.young, self.view(profile).current.old)
            for entry in half.values()
        ]
        assert len(kept) <= 2 * HALF_REPLIES
        assert len(self.memo) <= HALF_REPLIES


TestMemoAgainstModel = MemoAgainstModel.TestCase
TestMemoAgainstModel.settings = settings(stateful_step_count=40)


def test_what_was_just_remembered_is_given() -> None:
    """The model above would be content with a memo that remembers nothing."""
    memo = Memo(HALF_OCTETS, HALF_REPLIES)
    memo.begin_second(100)
    view = memo.view_for(PROFILES[0])
    for number in range(HALF_REPLIES):
        memo.remember(
            view, bytes((number,)), Rendered(b"\0\0" + body(30, b"x"), 130.0, constant=False), 100
        )
    assert MISS not in [view.current[bytes((number,))] for number in range(HALF_REPLIES)]
    memo.turn()
    assert MISS not in [view.current[bytes((number,))] for number in range(HALF_REPLIES)]
    assert len(memo) == HALF_REPLIES
