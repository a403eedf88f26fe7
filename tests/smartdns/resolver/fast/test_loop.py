"""The loop: queries gather where many come, and no answer waits for a miss."""

import itertools
import math
import random
import time
from collections import deque
from types import SimpleNamespace
from typing import Any, cast

import pytest

from smartdns.resolver.fast.batch import BATCH
from smartdns.resolver.fast.loop import LONGEST_PAUSE_S, RECKONED, SMALL_BATCH, Loop, pause_at
from smartdns.resolver.fast.memo import MISS
from tests.smartdns.resolver.fast.driven import HERE, Client, Driven, wire


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
    loop = Loop(cast("Any", _Busy()), _nobody, lambda: next(ticks) / 10_000)

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            loop._stopping = loop._told = True

    monkeypatch.setattr(time, "sleep", sleep)
    loop._answer_batches()
    assert pauses == [LONGEST_PAUSE_S] * 3
    assert loop.taken == RECKONED + 2


def test_what_is_known_is_sent_before_misses_are_worked_on(monkeypatch: Any) -> None:
    """Of a batch the answers first, then the misses; and nobody sleeps while they wait."""
    done: list[object] = []
    misses = _Busy()
    misses.batch.receive = _receiving(2, done)
    misses.batch.send = lambda first, end: done.append((first, end))

    def take(missed: object, _now: float) -> list[int]:
        misses.waiting.append(missed)
        return [1]

    def work(until: float) -> None:
        done.append("work")
        if len(done) > 4:
            misses.waiting.clear()
            loop._stopping = loop._told = True

    misses.take, misses.work = take, work
    loop = Loop(cast("Any", misses), _nobody, time.monotonic)
    loop._pause_s = LONGEST_PAUSE_S
    monkeypatch.setattr(time, "sleep", lambda _: done.append("asleep"))
    loop._answer_batches()
    assert done[:3] == [("waits", True), (0, 1), "work"]
    assert done[3:6] == [("waits", False), (0, 1), "work"]


def test_each_of_a_mixed_batch_gets_its_own_reply() -> None:
    """Known, not known, refused, silent, in any order: nobody gets another one's, or none."""
    driven = Driven()
    household, stranger = driven.client(), driven.client("127.0.0.2")
    known, silent = wire(), b"\0\0\x80" + wire()[3:]
    assert len(driven.answers(household, known)) == 1
    chosen = random.Random(7)  # noqa: S311 - a test's choice
    asked: dict[Client, dict[int, bytes]] = {household: {}, stranger: {}}

    def ask() -> None:
        for number in range(BATCH):
            who = chosen.choice((household, stranger))
            names = (known, wire(f"n{number}.netflix.com"), wire(use_edns=0), silent)
            query = number.to_bytes(2) + chosen.choice(names)[2:]
            who.ask(query)
            if query[2:] != silent[2:]:
                asked[who][number] = query

    for _ in range(5):
        driven.run(ask)
        for who, queries in asked.items():
            replies = {int.from_bytes(reply[:2]): reply for reply in who.replies()}
            assert replies.keys() == queries.keys()
            for number, reply in replies.items():
                assert reply[12:].startswith(queries[number][12:-11].rstrip(b"\0"))
                assert reply[3] & 0xF == (0 if who is household else 5)
            queries.clear()
    driven.close()


def test_what_is_told_from_outside_is_done_before_the_next_batch() -> None:
    """News of grants or knowledge, and to forget who asked."""
    driven = Driven()
    client, responder, misses = driven.client(), driven.responder, driven.misses

    def tell_news() -> None:
        assert HERE in misses.views.known
        assert HERE in driven.batch.peers[:]
        responder.grants_changed()
        responder.knowledge_changed()

    def tell_to_forget() -> None:
        assert misses.views.epoch[:2] == (responder.grants, responder.generation) == (1, 1)
        client.ask(wire())
        driven.loop.forget_askers()

    def see() -> None:
        assert not misses.views.known
        assert not any(driven.batch.peers[:])
        client.ask(wire())

    driven.run(lambda: client.ask(wire()), tell_news, tell_to_forget, see)
    assert len(client.replies()) == 3
    driven.close()


def _receiving(count: int, done: list[object]) -> Any:
    def receive(*, wait: bool) -> int:
        done.append(("waits", wait))
        return count

    return receive


def _nobody(_: object) -> None:
    pass


class _Busy:
    """Each batch is one query that the memo knows; of two it does not know the second."""

    take: Any = None
    work: Any = staticmethod(_nobody)

    def __init__(self) -> None:
        self.batch: Any = SimpleNamespace(
            queries=(b"known", b"unknown"), peers=(b"",), received=bytes(128), vectors={},
            slots=((0, {0: 0}, 0), (1, {0: 1}, 1)), receive=_receiving(1, []),
            send=lambda *_: None,
            addresses={1: lambda _: (b"",), 2: lambda _: (b"", b"")},
        )  # fmt: skip
        self.memo: Any = SimpleNamespace(
            tables={b"": {b"known": b"", b"unknown": MISS}}, full=False
        )
        self.waiting: deque[object] = deque()
        self.learned: list[object] = []
        self.rates = SimpleNamespace(total=0, quiet=math.inf)
        self.begin_second = self.begin_epoch = lambda *_: None
