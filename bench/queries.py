"""Files of queries for `bench/c/load.c`: each behind two octets of length."""

import functools
import random
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

NAMES = 10_000
QUERIES = 200_000
PAYLOAD_SIZE = 1_232
_COOKIE = 10


def ordinary_names(count: int = NAMES) -> list[str]:
    """Names as people ask for them, in length and number of labels."""
    return [f"{'www' if i % 3 else 'cdn-assets'}.site{i}.example.net" for i in range(count)]


def zipf(names: Sequence[str], count: int = QUERIES) -> list[str]:
    """Draw names so that the n-th is asked 1/n as often as the first; the same each time."""
    weights = [1 / (rank + 1) for rank in range(len(names))]
    return random.Random(1).choices(names, weights, k=count)  # noqa: S311 - wants repeating


def names_of_zones(count: int, tag: str = "") -> list[str]:
    """Names of which each has a zone for itself."""
    top_levels = ("com", "net", "org", "de", "co.uk", "io", "fr", "tv")
    return [f"www.{tag}zone{i}.{top_levels[i % len(top_levels)]}" for i in range(count)]


def unique_names(count: int, tag: str) -> list[str]:
    """Names that nobody has asked for."""
    return [f"{tag}{i}.fresh.example.org" for i in range(count)]


def render(
    name: str,
    kind: int = 1,
    *,
    edns: bool = False,
    cookie: bytes = b"",
    payload_size: int = PAYLOAD_SIZE,
) -> bytes:
    """Render a query with RD, of type A unless `kind` says otherwise; a cookie needs EDNS."""
    labels = b"".join(bytes((len(each),)) + each.encode() for each in name.split("."))
    header = struct.pack("!6H", 0, 0x0100, 1, 0, 0, int(edns))
    question = labels + b"\0" + struct.pack("!2H", kind, 1)
    return header + question + (_opt(payload_size, cookie) if edns else b"")


def _opt(payload_size: int, cookie: bytes) -> bytes:
    options = struct.pack("!2H", _COOKIE, len(cookie)) + cookie if cookie else b""
    return b"\0" + struct.pack("!2HIH", 41, payload_size, 0, len(options)) + options


def write(path: Path, names: Iterable[str], *, edns: bool = False) -> Path:
    """Write A queries for `names`, in order."""
    rendered = functools.cache(functools.partial(render, edns=edns))
    return write_queries(path, map(rendered, names))


def write_queries(path: Path, queries: Iterable[bytes]) -> Path:
    """Write queries as they are."""
    path.write_bytes(b"".join(len(query).to_bytes(2) + query for query in queries))
    return path
