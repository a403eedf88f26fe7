"""What a start is doing: one line that is replaced on a terminal, plain lines elsewhere."""

import sys
from types import TracebackType
from typing import Self

_ERASE = "\r\x1b[K"


class Steps:
    """Says each step on standard output as it begins; on a terminal nothing of it stays.

    A context, so that an error has a line of its own.
    """

    def __init__(self) -> None:
        self._replaces = sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Say what begins now."""
        self._write(f"{_ERASE}{text} …" if self._replaces else f"{text}\n")

    def clear(self) -> None:
        """Take the line away, before something that stays."""
        if self._replaces:
            self._write(_ERASE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()

    def _write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
