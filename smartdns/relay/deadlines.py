"""Deadlines in ticks of the relay's clock; pure.

One entry costs a set insertion and no timer. A connection with traffic does not move its deadline
thousands of times a second: it notes when traffic came, and sets a later deadline once it is due.
"""

import functools
import math
from typing import Protocol

TICK_S = 0.125


class Due(Protocol):
    """What can have a deadline."""

    deadline: int | None
    """The tick that it waits for, which `Deadlines` writes; None at first."""

    def due(self) -> None:
        """Called when the deadline has come."""


@functools.lru_cache(maxsize=16)
def ticks(seconds: float) -> int:
    """Give a time in whole ticks, rounded up, at least one."""
    return max(1, math.ceil(seconds / TICK_S))


class Deadlines:
    """Everything that waits, by the tick at which it is due."""

    def __init__(self) -> None:
        self.now = 0
        self._waiting: dict[int | None, set[Due]] = {}

    def set(self, entry: Due, tick: int | None) -> None:
        """Let `entry` be due at `tick` and at no other; None: never.

        A tick that has passed already comes with the next one.
        """
        if (waiting := self._waiting.get(entry.deadline)) is not None:
            waiting.discard(entry)
        if tick is not None and tick <= self.now:
            tick = self.now + 1
        entry.deadline = tick
        if tick is None:
            return
        if (waiting := self._waiting.get(tick)) is None:
            self._waiting[tick] = {entry}
        else:
            waiting.add(entry)

    def advance(self, tick: int) -> list[Due]:
        """Move on to `tick`; give what came due on the way."""
        came: list[Due] = []
        while self.now < tick:
            self.now += 1
            came += self._waiting.pop(self.now, ())
        return came
