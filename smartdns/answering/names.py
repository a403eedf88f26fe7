"""Domain names in wire form, lower-cased."""

from collections.abc import Collection, Iterator
from typing import Final

from smartdns.answering.numbers import LONGEST_LABEL, LONGEST_NAME
from smartdns.answering.query import Name

ROOT: Final = Name(b"\0")


def name_of(text: str) -> Name:
    """Give the wire form of a plain name, "www.example.com": for names that we write ourselves.

    Raises ValueError for a label of no or over 63 octets and a name of over 255.
    """
    wire = bytearray()
    for label in text.rstrip(".").lower().encode("ascii").split(b"."):
        if not 0 < len(label) <= LONGEST_LABEL:
            raise ValueError("a label takes 1 to 63 letters")
        wire += bytes((len(label),)) + label
    if len(wire) >= LONGEST_NAME:
        raise ValueError("a name takes up to 253 letters")
    return Name(bytes(wire) + b"\0")


def suffixes(name: Name) -> Iterator[Name]:
    """Give the name itself, then its parent, and so on; without the root."""
    start = 0
    while size := name[start]:
        yield name[start:]  # type: ignore[misc]  # a call of `Name` for each costs as much as this
        start += size + 1


def below(name: Name, ancestors: Collection[bytes]) -> Name | None:
    """Give the longest of `ancestors` that is `name` or above it; the root is above nothing."""
    start = 0
    while size := name[start]:
        if (suffix := name[start:]) in ancestors:
            return Name(suffix)
        start += size + 1
    return None


def end_of_name(data: bytes, start: int) -> int:
    """Give the end of the name that starts at `start`; the end of `data` if the name has none."""
    at = start
    while at < len(data) and (size := data[at]):
        at += size + 1
    return min(at + 1, len(data))


def first_label(name: Name) -> bytes:
    """Give the left-most label, empty for the root."""
    return name[1 : 1 + name[0]]


def parent(name: Name) -> Name:
    """Give the name without its left-most label; the root is its own parent."""
    return Name(name[1 + name[0] :]) if name[0] else name
