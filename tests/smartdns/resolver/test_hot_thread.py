"""The hot thread: a mistake of ours costs a batch, and queries gather where many come."""

import itertools
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from twisted.logger import Logger

import smartdns.resolver.hot_thread as under_test
from smartdns.resolver.hot_thread import LONGEST_PAUSE_S, RECKONED, SMALL_BATCH, HotThread, pause_at


class _Mistaken:
    def answer(self, *_: object) -> list[int]:
        raise IndexError


class _Silent(Logger):
    said = 0

    def failure(self, *_: Any, **__: Any) -> None:
        type(self).said += 1


def test_a_batch_that_cannot_be_answered_is_left_unanswered(monkeypatch: Any) -> None:
    """Its slots are named as such, so that the replies of others in it still go out."""
    monkeypatch.setattr(under_test, "Logger", _Silent)
    thread = HotThread(cast("Any", _Mistaken()), lambda _: None)
    assert thread._look_again([(3, 40, b"\x7f\0\0\1"), (7, 40, b"\x7f\0\0\1")], 0.0) == [3, 7]
    assert _Silent.said == 1


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
    thread = HotThread(cast("Any", _Idle()), lambda _: None, lambda: next(ticks) / 10_000)

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            thread._stopping = thread._told = True

    monkeypatch.setattr(time, "sleep", sleep)
    thread._answer_batches()
    assert pauses == [LONGEST_PAUSE_S] * 3
    assert thread.taken == RECKONED + 2


class _Idle:
    """Each batch is one query that the memo does not know; nobody answers it."""

    def __init__(self) -> None:
        self.batch = SimpleNamespace(
            queries=b"", peers=None, vectors=None, received=bytes(64), slots=((0, {0: 0}, 0),),
            receive=lambda: 1, send=lambda *_: None, addresses={1: lambda _: (b"",)},
        )  # fmt: skip
        self.memo = SimpleNamespace(tables={b"": {}}, full=False)
        self.allowance = SimpleNamespace(count=lambda *_: False)
        self.answer = lambda *_: [0]
        self.begin_second = self.begin_epoch = self.learn = lambda *_: None
