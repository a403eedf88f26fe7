"""Overload: what is known is answered at once, and what cannot be answered in time is dropped."""

from collections.abc import Iterator

import pytest

from smartdns.resolver.fast.batch import BATCH
from smartdns.resolver.fast.misses import LONGEST_WAIT_S, MOST_WAITING
from tests.smartdns.resolver.fast.driven import Driven, wire

LOOK_S = 0.0009
"""How far the clock goes on with each look at it: a turn of the loop has time for one decision."""
KNOWN = wire()


@pytest.fixture
def driven() -> Iterator[Driven]:
    """A loop that knows the answer to one query."""
    made = Driven()
    made.answers(made.client(), KNOWN)
    made.sent.clear()
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
        driven.each_look = LOOK_S
        self.household, self.others = driven.client(), driven.client()
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
            self.came.append(self.driven.seconds)
            self.asked += 1
        self.household.ask(KNOWN)


def test_what_is_known_is_answered_in_the_turn_in_which_it_comes(driven: Driven) -> None:
    """However many misses wait; of these few are decided about in a turn, for time is up."""
    storm = Storm(driven)
    driven.run(*[storm.turn] * 60)
    assert len(storm.waited) == 59
    assert max(storm.waited) > 400
    assert driven.sent


def test_what_would_be_late_is_dropped_and_the_rest_is_answered_in_order(driven: Driven) -> None:
    """Whoever is answered waited for no longer than that; the oldest are dropped first."""
    storm = Storm(driven)
    driven.run(*[storm.turn] * 60)
    answered = [number for _, number in driven.sent]
    assert answered == sorted(answered)
    waits = [when - storm.came[number] for when, number in driven.sent]
    assert max(waits) <= LONGEST_WAIT_S + 5 * LOOK_S
    assert driven.misses.dropped == storm.asked - len(answered) > 500
    assert not driven.misses.waiting


def test_the_queue_is_bounded_and_its_oldest_go_first(driven: Driven) -> None:
    """Where they come faster than they can even be dropped for being late."""
    client = driven.client()
    turns = MOST_WAITING // BATCH + 10
    queries = [number.to_bytes(2) + fresh(7)[2:] for number in range(turns * BATCH)]
    driven.each_look = 0.001  # after which there is no time for a decision

    def ask() -> None:
        assert len(driven.misses.waiting) <= MOST_WAITING
        asked = driven.loop.taken - taken
        client.ask(*queries[asked : asked + BATCH])

    def be_quick() -> None:
        assert driven.misses.dropped == 10 * BATCH
        assert not driven.sent
        driven.each_look = 0.0
        driven.seconds -= 1.0

    taken = driven.loop.taken
    driven.run(*[ask] * turns, be_quick)
    assert [number for _, number in driven.sent] == list(range(10 * BATCH, turns * BATCH))


def test_what_waits_when_the_loop_ends_is_answered(driven: Driven) -> None:
    """It was taken out of the socket, where no successor would find it."""
    client = driven.client()
    driven.each_look = 0.001
    driven.run(lambda: client.ask(*map(fresh, range(20))))
    assert numbers(client.replies()) == list(range(20))


def test_memo_and_refusals_need_no_queue(driven: Driven) -> None:
    """A flood of strangers and of what is known leaves no miss."""
    household, stranger = driven.client(), driven.client("127.0.0.2")
    taken = driven.loop.taken

    def ask() -> None:
        household.ask(*[KNOWN] * 30)
        stranger.ask(*map(fresh, range(30)))

    driven.run(ask)
    assert len(household.replies()) == len(stranger.replies()) == 30
    assert driven.loop.taken == taken + 60
    assert not driven.sent


def test_a_query_for_which_there_is_no_room_upstream_is_told_at_once() -> None:
    """SERVFAIL with a reason; what an upstream is asked about is told when it has answered."""
    driven = Driven(in_flight=1)
    client = driven.client()
    first, second = (wire(f"{name}.example.com", i, use_edns=0) for i, name in enumerate("ab"))
    driven.run(lambda: client.ask(first, second))
    (reply,) = client.replies()
    assert (reply[:2], reply[3] & 0xF) == (second[:2], 2)
    assert driven.misses.asked == 1
    driven.upstreams.answer()
    (reply,) = client.replies()
    assert (reply[:2], reply[3] & 0xF) == (first[:2], 3)
    assert driven.answers(client, second)[0][3] & 0xF == 3, "it is no failure to be remembered"
    driven.close()
