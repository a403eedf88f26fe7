"""Deadlines in ticks of the relay's clock; pure.

One entry costs a set insertion and no timer. Something that goes on and off thousands of times
a second does not move its deadline: it notes when it was last active, and once due it asks for
another one.
"""

import functools
import math
from typing import Protocol

TICK_S = 0.125


class Due(Protocol):
    """What can have a deadline; it keeps the tick for `Deadlines`."""

    deadline: int

    def due(self, tick: int) -> None:
        """The deadline has come."""


@functools.lru_cache(maxsize=16)
def ticks(seconds: float) -> int:
    """Give a time in whole ticks, at least one; the limits are few, and asked for all the time."""
    return max(1, math.ceil(seconds / TICK_S))


class Deadlines:
    """Everything that waits, by the tick at which it is due."""

    def __init__(self) -> None:
        self.now = 0
        self._waiting: dict[int, set[Due]] = {}

    def set(self, entry: Due, tick: int) -> None:
        """Let `entry` be due at `tick`, instead of whenever it was."""
        self.clear(entry)
        entry.deadline = tick
        at_that_tick = self._waiting.get(tick)
        if at_that_tick is None:
            self._waiting[tick] = {entry}
        else:
            at_that_tick.add(entry)

    def clear(self, entry: Due) -> None:
        """Let `entry` never be due; harmless if it has no deadline."""
        at_that_tick = self._waiting.get(entry.deadline)
        if at_that_tick is not None:
            at_that_tick.discard(entry)

    def advance(self, tick: int) -> list[Due]:
        """Move on to `tick`; give what came due on the way."""
        came: list[Due] = []
        while self.now < tick:
            self.now += 1
            came += self._waiting.pop(self.now, ())
        return came
