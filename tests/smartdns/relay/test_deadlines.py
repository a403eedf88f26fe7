from dataclasses import dataclass

from smartdns.relay.deadlines import TICK_S, Deadlines, ticks


@dataclass(eq=False)
class Waiting:
    deadline: int | None = None

    def due(self) -> None:
        """Part of what can wait."""


def test_what_is_due_comes_once_and_what_is_cleared_never() -> None:
    """Late ticks bring everything that came due meanwhile."""
    deadlines = Deadlines()
    first, second, cleared = Waiting(), Waiting(), Waiting()
    deadlines.set(first, 2)
    deadlines.set(second, 5)
    deadlines.set(cleared, 3)
    deadlines.set(cleared, None)
    assert deadlines.advance(1) == []
    assert deadlines.advance(9) == [first, second]
    assert deadlines.advance(20) == []


def test_a_new_deadline_takes_the_place_of_the_old_one() -> None:
    """Nothing is due twice."""
    deadlines = Deadlines()
    moved = Waiting()
    deadlines.set(moved, 2)
    deadlines.set(moved, 4)
    assert deadlines.advance(3) == []
    assert deadlines.advance(4) == [moved]


def test_a_deadline_in_the_past_comes_with_the_next_tick() -> None:
    """It is late, and not lost."""
    deadlines = Deadlines()
    deadlines.advance(10)
    late = Waiting()
    deadlines.set(late, 3)
    assert deadlines.advance(11) == [late]


def test_nothing_is_kept_of_what_has_ended() -> None:
    """Thousands of short connections leave no trace until their deadline."""
    deadlines = Deadlines()
    for _ in range(100):
        one = Waiting()
        deadlines.set(one, 7)
        deadlines.set(one, None)
    assert not any(deadlines._waiting.values())


def test_times_are_rounded_up_to_ticks() -> None:
    """A limit is never shorter than it says."""
    assert ticks(0) == 1
    assert ticks(TICK_S) == 1
    assert ticks(TICK_S * 1.01) == 2
