"""Where in a TOML text a key or a value stands; tomllib does not say."""

import re
from dataclasses import dataclass

_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class TomlLines:
    """Line numbers in one text, looked for only when something is wrong."""

    text: str

    def of_key(self, key: str) -> int:
        """The line in which `key` gets its value; 1 if it is written in some unusual way."""
        name = re.escape(key)
        wanted = re.compile(rf"""\s*["']?{name}["']?\s*[=.]|\s*\[+\s*{name}""")
        for number, line in enumerate(self.text.splitlines(), 1):
            if wanted.match(line):
                return number
        return 1

    def of_value(self, key: str, value: str, nth: int = 1) -> int:
        """The line of the `nth` text `value` in the array of `key`."""
        found = self.find_value(key, value, nth)
        return self.of_key(key) if found is None else found

    def find_value(self, key: str, value: str, nth: int = 1) -> int | None:
        """As `of_value`, or None where it does not stand literally."""
        start = self.of_key(key)
        quoted = (f'"{value}"', f"'{value}'")
        for number, line in enumerate(self.text.splitlines()[start - 1 :], start):
            code = _without_comment(line)
            nth -= sum(code.count(form) for form in quoted)
            if nth <= 0:
                return number
        return None

    def of_error(self, message: str) -> tuple[int, str]:
        """The line that a TOMLDecodeError names, and its message without it."""
        at = _AT_LINE.search(message)
        if at is None:
            return 1, message
        line = int(at[1]) if at[1] else max(1, len(self.text.splitlines()))
        return line, message[: at.start()]


def _without_comment(line: str) -> str:
    start = line.find("#")
    while start >= 0:
        before = line[:start]
        if before.count('"') % 2 == 0 and before.count("'") % 2 == 0:
            return before
        start = line.find("#", start + 1)
    return line
