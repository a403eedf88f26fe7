"""The cache against a model of it, and its bounds."""

import random
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from smartdns.answering.memory.cache import MAXIMUM_FAILURES, STALE_S, Answer, Cache
from smartdns.answering.names import name_of
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name
from tests.profiles import examples
from tests.smartdns.made import NOERROR, NXDOMAIN, A, question, record, soa_record

TXT = 16


def asked(name: str, kind: int = A, do: bool = False, cd: bool = False) -> Forward:
    """What would be forwarded."""
    return Forward(question(name, kind), do, cd)


def heard(name: str, ttl: int = 60, octet: int = 1) -> Answer:
    """An address for the name."""
    return Answer(NOERROR, (record(name, A, bytes((octet,)) * 4, ttl),), (), ttl)


def absent(name: str, ttl: int = 60) -> Answer:
    """NXDOMAIN for the very name."""
    return Answer(NXDOMAIN, (), (soa_record("example.com", ttl),), ttl, denies_name=True)


NAMES = st.sampled_from(("a.example.com", "b.example.com", "c.b.example.com", "example.com"))


class CacheAgainstModel(RuleBasedStateMachine):
    """Store and look up in any order, with time passing: a hit is what was stored, aged."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache(10**9)
        self.stored: dict[tuple[str, bool, bool], tuple[float, int, int]] = {}
        self.now = 5_000.0

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(name=NAMES, ttl=st.integers(0, 60), octet=st.integers(0, 255), do=st.booleans())
    def store(self, name: str, ttl: int, octet: int, do: bool) -> None:
        self.cache.store(asked(name, do=do), heard(name, ttl, octet), self.now)
        if ttl:
            self.stored[name, do, False] = (self.now, ttl, octet)

    @rule(name=NAMES, do=st.booleans(), cd=st.booleans())
    def look_up(self, name: str, do: bool, cd: bool) -> None:
        kept = self.cache.find(asked(name, do=do, cd=cd), self.now)
        when, ttl, octet = self.stored.get((name, do, cd), (0.0, 0, 0))
        left = ttl - (int(self.now) - int(when))
        assert (kept is not None) == (left > 0)
        if kept is not None:
            assert [(r.ttl, r.data[0]) for r in kept.answer.answer] == [(left, octet)]
            assert kept.expires_at == int(when) + ttl
            assert kept.refresh_at <= kept.expires_at

    @invariant()
    def octets_are_counted(self) -> None:
        assert self.cache.octets == sum(entry[1] for entry in self.cache._entries.values())


TestCacheAgainstModel = CacheAgainstModel.TestCase
TestCacheAgainstModel.settings = settings(max_examples=examples(50), stateful_step_count=30)


@given(st.integers(0, 200_000))
@settings(max_examples=examples(10))
def test_memory_is_bounded(maximum: int) -> None:
    """However many names come, octets never exceed the bound, and the newest is still there."""
    cache = Cache(maximum)
    for number in range(300):
        cache.store(asked(f"n{number}.example.com"), heard(f"n{number}.example.com"), 0.0)
        assert cache.octets <= maximum
    if maximum > 2_000:
        assert cache.find(asked("n299.example.com"), 1.0) is not None


def test_what_is_used_stays() -> None:
    """Of many names the one that is asked for again and again is not the one to go."""
    cache = Cache(20_000)
    cache.store(asked("popular.example.com"), heard("popular.example.com"), 0.0)
    for number in range(500):
        cache.store(asked(f"n{number}.example.com"), heard(f"n{number}.example.com"), 0.0)
        assert cache.find(asked("popular.example.com"), 1.0) is not None


def test_do_and_cd_are_kept_apart() -> None:
    """An answer without signatures, or unchecked, is none to who wants them or checks."""
    cache = Cache(10**6)
    cache.store(asked("example.com"), heard("example.com"), 0.0)
    assert cache.find(asked("example.com", do=True), 0.0) is None
    assert cache.find(asked("example.com", cd=True), 0.0) is None


def test_an_absent_name_is_absent_for_every_type_and_all_below() -> None:
    """NXDOMAIN cut (RFC 8020): neither another type nor a deeper name goes upstream."""
    cache = Cache(10**6)
    cache.store(asked("gone.example.com"), absent("gone.example.com"), 0.0)
    for name, kind in (("gone.example.com", TXT), ("x.y.gone.example.com", A)):
        kept = cache.find(asked(name, kind), 10.0)
        assert kept is not None
        assert kept.answer.rcode == NXDOMAIN
        assert kept.answer.authority[0].ttl == 50
    assert cache.find(asked("notgone.example.com"), 10.0) is None
    assert cache.find(asked("example.com"), 10.0) is None
    assert cache.find(asked("x.gone.example.com"), 60.0) is None


def test_an_absence_does_not_reach_into_names_of_another_upstream() -> None:
    """The public DNS knows no "lan", a home's router does know its hosts."""
    cache = Cache(10**6, apart=frozenset({name_of("home.lan")}))
    cache.store(asked("lan"), absent("lan"), 0.0)
    assert cache.find(asked("other.lan"), 1.0) is not None
    assert cache.find(asked("nas.home.lan"), 1.0) is None
    assert cache.find(asked("home.lan"), 1.0) is None


def test_a_stale_answer_is_kept_for_a_day() -> None:
    """After its TTL it is no answer, but one to fall back on (RFC 8767), with the TTL given."""
    cache = Cache(10**6)
    cache.store(asked("example.com"), heard("example.com", ttl=60), 0.0)
    assert cache.find(asked("example.com"), 60.0) is None
    kept = cache.find_stale(asked("example.com"), 60.0 + STALE_S, 30)
    assert kept is not None
    assert [r.ttl for r in kept.answer.answer] == [30]
    assert cache.find_stale(asked("example.com"), 61.0 + STALE_S, 30) is None


def test_failures_are_believed_for_longer_each_time() -> None:
    """1 s, 2 s, 4 s up to 30 s (RFC 9520: at least one second, at most five minutes)."""
    cache = Cache(10**6)
    now = 0.0
    for lasts in (1, 2, 4, 8, 16, 30, 30):
        cache.note_failure(asked("example.com"), None, now)
        assert cache.failing(asked("example.com"), now + lasts - 0.1)
        assert not cache.failing(asked("example.com"), now + lasts)
        now += lasts
    cache.store(asked("example.com"), heard("example.com"), now)
    assert not cache.failing(asked("example.com"), now)
    cache.note_failure(asked("example.com"), None, now)
    assert not cache.failing(asked("example.com"), now + 1)


def test_failures_are_bounded_too() -> None:
    """A flood of names that nobody can answer takes no more than its share."""
    cache = Cache(10**6)
    for number in range(MAXIMUM_FAILURES + 100):
        cache.note_failure(Forward(question("x", number), False, False), None, 0.0)
    assert len(cache._failures) == MAXIMUM_FAILURES


def test_the_root_can_be_asked_for() -> None:
    """A name of no labels has nothing above it."""
    cache = Cache(10**6)
    root = Forward(type(question("x"))(Name(b"\0"), 2, 1), False, False)
    assert cache.find(root, 0.0) is None
    cache.store(root, heard("example.com"), 0.0)
    assert cache.find(root, 0.0) is not None


@pytest.fixture
def impatient_threads() -> Iterator[None]:
    """Let threads take turns after every few steps."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("impatient_threads")
def test_other_threads_may_look_while_it_stores_and_lets_go() -> None:
    """Each finds what belongs to its name, or nothing; and the octets are right in the end."""
    names = [f"n{number}.example.com" for number in range(100)]
    cache, over, found = Cache(20_000), threading.Event(), list[bool]()

    def look(seed: int) -> None:
        chosen = random.Random(seed)  # noqa: S311 - a test's choice
        while not over.is_set():
            number = chosen.randrange(100)
            plan = asked(f"below.{names[number]}" if number % 10 == 0 else names[number])
            kept = cache.find(plan, 10.0) or cache.find_stale(plan, 10.0, 30)
            assert not cache.failing(asked(names[number], TXT), 10.0)
            if kept is not None:
                data = [r.data[0] for r in kept.answer.answer]
                found.append(data == ([] if number % 10 == 0 else [number]))

    with ThreadPoolExecutor(3) as threads:
        looking = [threads.submit(look, seed) for seed in range(3)]
        for turn in range(5_000):
            number = turn * 37 % 100
            name = names[number]
            answer = absent(name) if number % 10 == 0 else heard(name, octet=number)
            cache.store(asked(name), answer, 5.0)
            cache.note_failure(asked(f"x{turn}.example.com"), None, 5.0)
            assert cache.octets <= 20_000
        over.set()
    for each in looking:
        each.result()
    assert len(found) > 100
    assert all(found)
    assert cache.octets == sum(entry[1] for entry in cache._entries.values())
