"""What a line of a list can say, whatever its format."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Listed:
    """A name that the list has."""

    place: str
    """File and line."""
    kind: Literal["suffix", "below", "name", "never"]
    """The name and all below it; only what is below it; exactly it; an exception."""
    name: str
    reason: str = ""
    """Of an exception: why."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A line that the catalogue cannot express or must not have."""

    place: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}: {self.reason}"


Line = Listed | LeftOut


class ListError(ValueError):
    """A list that cannot be imported at all; the text says why and what to do."""


def numbered(text: str, file: str) -> Iterator[tuple[str, str]]:
    """Each line with its place."""
    for number, line in enumerate(text.splitlines(), 1):
        yield f"{file}:{number}", line


def wildcard(place: str, text: str, *, plain: Literal["suffix", "name"]) -> Line:
    """`*.x` is what is below x; any other `*` is a pattern; without one the format's `plain`."""
    name = text.removeprefix("*.")
    if "*" in name:
        return LeftOut(place, text, "is a pattern; write the names that it stands for")
    return Listed(place, plain if name == text else "below", name)
