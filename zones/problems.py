"""What is wrong with the catalogue, so that all of it can be said at once."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where it is, and what to do about it."""

    file: str
    line: int
    """Counted from 1."""
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class CatalogError(ValueError):
    """A catalogue that cannot be used; its text has one line for each problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))
