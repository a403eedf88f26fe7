"""The hot thread: queries gather where many come, and nobody waits who is known."""

import itertools
import math
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from smartdns.resolver.hot_thread import LONGEST_PAUSE_S, RECKONED, SMALL_BATCH, HotThread, pause_at
from smartdns.resolver.memo import MISS


@pytest.mark.parametrize("rate", [0, 1, 200, 3_999])
def test_no_query_waits_where_few_come(rate: float) -> None:
    """A pause would gather one query at most, and that one would be late for nothing."""
    assert pause_at(rate) == 0


@pytest.mark.parametrize("rate", [4_000, 5_000, 20_000, 100_000, 1_000_000])
def test_a_pause_gathers_queries_and_is_bounded(
    rate: float,
) -> None:
    """At least three of them, at most a small batch: more would come without waiting."""
    assert 0 < pause_at(rate) <= LONGEST_PAUSE_S < 0.001
    assert 3 - 1e-9 <= pause_at(rate) * rate <= SMALL_BATCH + 1e-9


def test_the_thread_pauses_once_it_has_seen_the_rate(monkeypatch: Any) -> None:
    """Of ten thousand queries a second, one by one, the first few hundred do not wait."""
    pauses: list[float] = []
    ticks = itertools.count()
    thread = HotThread(cast("Any", _Busy()), _nobody, _nobody, lambda: next(ticks) / 10_000)

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            thread._stopping = thread._told = True

    monkeypatch.setattr(time, "sleep", sleep)
    thread._answer_batches()
    assert pauses == [LONGEST_PAUSE_S] * 3
    assert thread.taken == RECKONED + 2


def test_what_is_known_is_sent_before_others_are_asked(monkeypatch: Any) -> None:
    """Of a batch the answers first, then the misses; and nobody sleeps while they are due."""
    done: list[object] = []
    look = _Busy()
    look.batch.receive = lambda: 2
    look.answer = lambda *_: ((1,), ("miss",))
    look.batch.send = lambda first, end: done.append((first, end))

    def ask(misses: object) -> None:
        done.append(misses)
        thread._stopping = thread._told = True

    thread = HotThread(cast("Any", look), ask, _nobody, time.monotonic)
    thread._pause_s = LONGEST_PAUSE_S
    monkeypatch.setattr(time, "sleep", lambda _: done.append("asleep"))
    thread._answer_batches()
    assert done == [(0, 1), ("miss",)]


def _nobody(_: object) -> None:
    pass


class _Busy:
    """Each batch is one query that the memo knows; of two it does not know the second."""

    answer: Any = None

    def __init__(self) -> None:
        self.batch: Any = SimpleNamespace(
            queries=(b"known", b"unknown"), peers=(b"",), received=bytes(128), vectors={},
            slots=((0, {0: 0}, 0), (1, {0: 1}, 1)), receive=lambda: 1, send=lambda *_: None,
            addresses={2: lambda _: (b"", b"")}, numbers=bytes(15), first_address=0,
        )  # fmt: skip
        self.memo: Any = SimpleNamespace(
            tables={b"": {b"known": b"", b"unknown": MISS}}, full=False
        )
        self.allowance = SimpleNamespace(total=0, quiet=math.inf)
        self.begin_second = self.begin_epoch = self.learn = lambda *_: None
