"""The names of an evening: 5,000, asked as Zipf's law has it, each with what it answers.

The authority keeps no zones: it reads from a name's first label what to answer
(`bench/c/authority.c`). So a seed gives the names, and the names give every answer.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

COUNT = 5_000
EXPONENT = 0.9
"""Of Zipf's law: the n-th name is asked 1/n^0.9 as often as the first."""
TTLS = (20, 30, 60, 120, 300, 600)
STEERED, ONE_ALIAS, TWO_ALIASES, ABSENT, PLAIN = "steered", "c", "d", "n", "a"
SHARES = {STEERED: 1 / 3, ONE_ALIAS: 1 / 6, TWO_ALIASES: 1 / 6, ABSENT: 0.05, PLAIN: 17 / 60}
"""Of the queries; the letters are the authority's."""
TYPES_BESIDE_A = {0: 0.50, 1: 0.25, 2: 0.05, 3: 0.20}
"""1: AAAA exists, 2: HTTPS exists, 3: both. By these shares most of both are NODATA."""
_HOSTS = ("www", "api", "cdn", "img", "static", "login", "edge", "media", "app", "events", "m", "v")
_SYLLABLES = ("ba", "co", "di", "fu", "ka", "le", "mi", "no", "pra", "que", "ri", "sto", "tu", "ve")
_TOP_LEVELS = ("com", "com", "com", "net", "org", "de", "co.uk", "io", "fr", "com.br", "tv", "app")
_NAMES_OF_A_ZONE = 2.5

T = TypeVar("T")


@dataclass(frozen=True)
class Name:
    """A name and how often it is asked, relative to the others."""

    text: str
    weight: float
    kind: str
    """One of `SHARES`."""


def evening_names(seed: int, suffixes: Sequence[str], count: int = COUNT) -> list[Name]:
    """Make the names, in the order of how often they are asked; steered ones end in `suffixes`."""
    draw = random.Random(seed)  # noqa: S311 - wants repeating
    kinds, types = _Shared(SHARES, draw), _Shared(TYPES_BESIDE_A, draw)
    zones = [_zone(draw, number) for number in range(round(count / _NAMES_OF_A_ZONE))]
    names = []
    for rank in range(count):
        weight = (rank + 1) ** -EXPONENT
        kind = kinds.give(weight)
        host = f"{draw.choice(_HOSTS)}{rank}"
        if kind == STEERED:
            text = f"{host}.{draw.choice(suffixes)}"
        else:
            text = f"{host}-{kind}{types.give(weight)}-{draw.choice(TTLS)}.{draw.choice(zones)}"
        names.append(Name(text, weight, kind))
    return names


def _zone(draw: random.Random, number: int) -> str:
    word = "".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4)))
    return f"{word}{number}.{draw.choice(_TOP_LEVELS)}"


class _Shared(Generic[T]):
    """Hands out values so that each gets its share of the weight, whichever names weigh most.

    A plain draw would let the first name alone move a share by some per cent.
    """

    def __init__(self, shares: dict[T, float], draw: random.Random) -> None:
        self._shares = shares
        # A start at random: which value the first names get differs by seed.
        self._owed = {value: draw.uniform(0, 0.2) for value in shares}

    def give(self, weight: float) -> T:
        for value, share in self._shares.items():
            self._owed[value] += share * weight
        chosen = max(self._owed, key=self._owed.__getitem__)
        self._owed[chosen] -= weight
        return chosen
