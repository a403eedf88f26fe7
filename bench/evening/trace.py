"""The trace of an evening: who asks what, in which form, and after how long; made from a seed."""

import functools
import itertools
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.evening.names import Name
from bench.queries import render

HOUSEHOLDS = 40
A, AAAA, HTTPS = 1, 28, 65
TYPES = {A: 45, AAAA: 35, HTTPS: 20}
STUBS = ("plain", "EDNS") * 4 + ("cookie", "mixed case")
"""Of ten households in a row; each has one kind of stub."""
MEAN_GAP = 1_000
"""Gaps are written in thousandths of the mean one."""
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyz")
_AT_ONCE = 50_000


@dataclass(frozen=True)
class Trace:
    """A file of queries for `bench/c/open_load.c`."""

    file: Path
    warming: int
    """So many of them first, of which nothing is measured."""
    measured: int


def write_trace(file: Path, names: Sequence[Name], seed: int, count: int, *, even: bool) -> None:
    """Write `count` queries; `even`: at even gaps, else as a Poisson process has them."""
    with file.open("wb") as out:
        entries = _entries(names, seed, count, even=even)
        while some := b"".join(itertools.islice(entries, _AT_ONCE)):
            out.write(some)


def _entries(names: Sequence[Name], seed: int, count: int, *, even: bool) -> Iterator[bytes]:
    draw = random.Random(seed)  # noqa: S311 - wants repeating
    weights = list(itertools.accumulate(name.weight for name in names))
    asked = draw.choices(names, cum_weights=weights, k=count)
    types = draw.choices(list(TYPES), list(TYPES.values()), k=count)
    cookies = [draw.randbytes(8) for _ in range(HOUSEHOLDS)]

    @functools.cache
    def query_of(name: str, kind: int, stub: str, cookie: bytes) -> bytes:
        return render(name, kind, edns=stub != "plain", cookie=cookie)

    for name, kind in zip(asked, types, strict=True):
        household = draw.randrange(HOUSEHOLDS)
        stub = STUBS[household % len(STUBS)]
        cookie = cookies[household] if stub == "cookie" else b""
        query = query_of(name.text, kind, stub, cookie)
        if stub == "mixed case":
            query = _mix_case(query, name.text, draw)
        gap = MEAN_GAP if even else min(int(draw.expovariate(1 / MEAN_GAP)), 0xFFFF)
        yield struct.pack("!HBB", gap, household, len(query)) + query


def _mix_case(query: bytes, name: str, draw: random.Random) -> bytes:
    """Turn letters of the question into capitals at random (0x20)."""
    length = len(name) + 2
    bits = draw.getrandbits(8 * length) & _case_bits(query[12 : 12 + length])
    mixed = int.from_bytes(query[12 : 12 + length]) ^ bits
    return query[:12] + mixed.to_bytes(length) + query[12 + length :]


@functools.cache
def _case_bits(name: bytes) -> int:
    return int.from_bytes(bytes(0x20 if octet in _LETTERS else 0 for octet in name))
