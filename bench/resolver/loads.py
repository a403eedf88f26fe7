"""The kinds of load: what is asked, by whom, and which servers take part."""

import itertools
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.laboratory import SUFFIXES
from bench.load import FIRST_STRANGER, Load
from bench.queries import (
    names_of_zones,
    ordinary_names,
    render,
    unique_names,
    write,
    write_queries,
    zipf,
)
from bench.servers import Server

MISS_RATE = 200
MISSES, STREAMS = "misses", {"TCP": False, "DoT": True}
"""What has its own way of being measured; a stream's value: it is encrypted."""
MANY_ZONES = "refused, many zones"
FORMS = "EDNS, warmed without", "cached, not in the memo"
SATURATED = "misses, 256 outstanding"
STEADY = "hits", "EDNS", "steered", "refused", MANY_ZONES, "20,000 q/s", "5,000 q/s"
KINDS = (*STEADY, *FORMS, SATURATED, MISSES, *STREAMS)
FLOOR = "C floor"
_ZONES = 10_000
_QUERIES_OF_A_NAME = 20
_AAAA = 28


@dataclass(frozen=True)
class Fresh:
    """What a round asks, once, of names that are its own."""

    known: Path
    """Queries by which a server learns the names before."""
    passes: int
    """How often it is asked them."""
    asked: Path


def steady_loads(folder: Path, names: int) -> dict[str, Load]:
    """Give the loads that go on for as long as one likes; a rate's names are those of the hits."""
    asked = zipf(ordinary_names(names))
    hits = write(folder / "hits", asked)
    strangers = write(folder / "strangers", unique_names(100_000, "r"))
    many = write(folder / "zones", _shuffled(names_of_zones(_ZONES)))
    steered = [f"a{i}.{suffix}" for i in range(200) for suffix in SUFFIXES]
    loads = (
        Load(hits),
        Load(write(folder / "edns", asked, edns=True)),
        Load(write(folder / "steered", steered)),
        Load(strangers, source=FIRST_STRANGER),
        Load(many, source=FIRST_STRANGER),
        Load(hits, 20_000),
        Load(hits, 5_000),
    )
    return dict(zip(STEADY, loads, strict=True))


def fresh_loads(folder: Path, count: int) -> dict[str, Callable[[int], Fresh]]:
    """Give the loads of which each round, by its number, has `count` names of its own."""

    def edns(number: int) -> Fresh:
        names = names_of_zones(count, f"e{number}-")
        known = write(folder / "known", names)
        asked = zipf(names, _QUERIES_OF_A_NAME * count)
        return Fresh(known, 3, write(folder / "asked", asked, edns=True))

    def forms(number: int) -> Fresh:
        names = _answers_of_all_kinds(count, number)
        known = write_queries(folder / "known", itertools.starmap(render, names))
        return Fresh(known, 1, write_queries(folder / "asked", _in_forms(names)))

    def misses(number: int) -> Fresh:
        names = [f"m{number}-{i}-a0-20.zone{i}.com" for i in range(2 * count)]
        return Fresh(folder / "known", 0, write(folder / "asked", names))

    return {FORMS[0]: edns, FORMS[1]: forms, SATURATED: misses}


def takes_part(server: Server, kind: str) -> bool:
    """Say whether a server does what is measured; the floor answers everything alike."""
    if server.name == FLOOR:
        return kind not in {MISSES, SATURATED, *FORMS}
    if kind == "steered":
        return server.steers
    return server.refuses or kind not in {"refused", MANY_ZONES}


def _answers_of_all_kinds(count: int, number: int) -> list[tuple[str, int]]:
    """Give names and types; of ten answers six are addresses, two NODATA and two NXDOMAIN.

    Half of the addresses are behind an alias.
    """
    kinds = itertools.cycle(("a", "c", "n", "a", "c", "a0", "a", "c", "n", "a0"))
    return [
        (f"n{i}-{kind[0]}0-600.round{number}zone{i}.com", _AAAA if kind == "a0" else 1)
        for i, kind in zip(range(count), kinds, strict=False)
    ]


def _in_forms(names: Sequence[tuple[str, int]]) -> Iterable[bytes]:
    """Ask each name once, in a form in which it was not asked: other sizes, cookie, 0x20."""
    for i, (name, kind) in enumerate(names):
        match i % 4:
            case 0:
                yield render(name, kind, edns=True)
            case 1:
                yield render(name, kind, edns=True, payload_size=4_096)
            case 2:
                yield render(name, kind, edns=True, cookie=b"of eight")
            case _:
                yield render(name.upper(), kind, edns=True)


def _shuffled(names: list[str]) -> list[str]:
    random.Random(1).shuffle(names)  # noqa: S311 - wants repeating
    return names
