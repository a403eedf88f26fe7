"""Overload: what is known is answered at once, and what cannot be answered in time is dropped."""

from collections.abc import Iterator

import pytest

from smartdns.answering.plan import Reply
from smartdns.resolver.fast import misses as under_test
from smartdns.resolver.fast.batch import BATCH
from smartdns.resolver.fast.misses import LONGEST_WAIT_S
from tests.smartdns.resolver.fast.driven import Driven, wire

EACH_S = 0.003
"""What a decision takes by the clock of these tests: more than a turn of the loop may."""
KNOWN = wire()


@pytest.fixture
def driven() -> Iterator[Driven]:
    """A loop whose every decision takes a while."""
    made = Driven()
    decide = made.responder.decide

    def slowly(*arguments: object) -> object:
        made.now += EACH_S
        return decide(*arguments)  # type: ignore[arg-type]

    made.responder.decide = slowly  # type: ignore[assignment, method-assign]
    yield made
    made.close()


def fresh(number: int) -> bytes:
    """Give a query that the memo does not know; its ID is the number."""
    return wire(f"n{number}.netflix.com", number)


def numbers(replies: list[bytes]) -> list[int]:
    """Give the numbers of the queries that were answered."""
    return [int.from_bytes(reply[:2]) for reply in replies]


class Storm:
    """Twenty fresh names in every turn of the loop, and in between somebody who is known."""

    def __init__(self, driven: Driven) -> None:
        self.driven = driven
        self.household, self.others = driven.client(), driven.client()
        driven.answers(self.household, KNOWN)
        self.asked = 0
        self.waited: list[int] = []
        """How many misses waited whenever the household was answered."""
        self.came: list[float] = []

    def turn(self) -> None:
        """See that the household was answered in the last turn; ask."""
        if self.asked:
            (reply,) = self.household.replies()
            assert reply[2:4] == b"\x81\x80"
            self.waited.append(len(self.driven.misses.waiting))
        for _ in range(20):
            self.others.ask(fresh(self.asked))
            self.came.append(self.driven.now)
            self.asked += 1
        self.household.ask(KNOWN)


def test_what_is_known_is_answered_in_the_turn_in_which_it_comes(driven: Driven) -> None:
    """However many misses wait; of these one is decided about in each turn, for time is up then."""
    storm = Storm(driven)
    driven.run(*[storm.turn] * 60)
    assert len(storm.waited) == 59
    assert max(storm.waited) > 400
    assert driven.misses.outcomes["answered"] >= 60


def test_what_would_be_late_is_dropped_and_the_rest_is_answered_in_order(driven: Driven) -> None:
    """Whoever is answered waited for no longer than that; the oldest are dropped first."""
    storm = Storm(driven)
    driven.run(*[storm.turn] * 60)
    sent = driven.sent[1:]  # the first is the household's
    answered = [number for _, number in sent]
    assert answered == sorted(answered)
    waits = [when - storm.came[number] for when, number in sent]
    assert max(waits) <= LONGEST_WAIT_S + 2 * EACH_S
    assert driven.misses.dropped == storm.asked - len(answered) > 1_000
    assert not driven.misses.waiting


def test_the_queue_is_bounded_and_its_oldest_go_first(
    driven: Driven, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they come faster than they can even be dropped for being late."""
    monkeypatch.setattr(under_test, "MOST_WAITING", 10)
    client = driven.client()

    def ask() -> None:
        assert len(driven.misses.waiting) <= 10
        client.ask(*map(fresh, range(BATCH)))

    driven.run(ask)
    assert numbers(client.replies()) == list(range(BATCH - 10, BATCH))
    assert driven.misses.dropped == BATCH - 10


def test_what_waits_when_the_loop_ends_is_answered(driven: Driven) -> None:
    """It was taken out of the socket, where no successor would find it."""
    client = driven.client()
    driven.run(lambda: client.ask(*map(fresh, range(20))))
    assert numbers(client.replies()) == list(range(20))


def test_a_query_for_which_there_is_no_room_upstream_is_told_at_once(driven: Driven) -> None:
    """SERVFAIL with a reason; what an upstream is asked about is told when it has answered."""
    client = driven.client()
    driven.upstreams.room = 1
    first, second = (wire(f"{name}.example.com", i, use_edns=0) for i, name in enumerate("ab"))
    (reply,) = driven.answers(client, first, second)
    assert (reply[:2], reply[3] & 0xF) == (second[:2], 2)
    assert driven.misses.asked == 1
    ((_, asker, _),) = driven.upstreams.asked
    asker(Reply(3))
    (reply,) = client.replies()
    assert (reply[:2], reply[3] & 0xF) == (first[:2], 3)


def test_memo_and_refusals_need_no_queue(driven: Driven) -> None:
    """A flood of strangers and of what is known leaves no miss."""
    household, stranger = driven.client(), driven.client("127.0.0.2")
    driven.answers(household, KNOWN)
    taken = driven.loop.taken

    def ask() -> None:
        household.ask(*[KNOWN] * 30)
        stranger.ask(*map(fresh, range(30)))

    driven.run(ask)
    assert len(household.replies()) == len(stranger.replies()) == 30
    assert driven.loop.taken == taken + 60
    assert driven.misses.outcomes.total() == 1
