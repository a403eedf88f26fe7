"""Files of queries for `bench/c/load.c`: each behind two octets of length."""

import random
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

NAMES = 10_000
QUERIES = 200_000
_OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"


def ordinary_names(count: int = NAMES) -> list[str]:
    """Names as people ask for them, in length and number of labels."""
    return [f"{'www' if i % 3 else 'cdn-assets'}.site{i}.example.net" for i in range(count)]


def zipf(names: Sequence[str], count: int = QUERIES) -> list[str]:
    """Draw names so that the n-th is asked 1/n as often as the first; the same each time."""
    weights = [1 / (rank + 1) for rank in range(len(names))]
    return random.Random(1).choices(names, weights, k=count)  # noqa: S311 - wants repeating


def unique_names(count: int, tag: str) -> list[str]:
    """Names that nobody has asked for."""
    return [f"{tag}{i}.fresh.example.org" for i in range(count)]


def render(name: str, *, edns: bool = False) -> bytes:
    """Render an A query with RD."""
    labels = b"".join(bytes((len(each),)) + each.encode() for each in name.split("."))
    header = struct.pack("!6H", 0, 0x0100, 1, 0, 0, int(edns))
    return header + labels + b"\0\0\1\0\1" + (_OPT if edns else b"")


def write(path: Path, names: Iterable[str], *, edns: bool = False) -> Path:
    """Write the queries for `names`, in order."""
    rendered = {name: render(name, edns=edns) for name in set(names)}
    path.write_bytes(b"".join(len(rendered[name]).to_bytes(2) + rendered[name] for name in names))
    return path
