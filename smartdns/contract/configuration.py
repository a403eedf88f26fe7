"""Where settings come from, the same for both planes: a TOML file, then the environment.

`Configuration` yields raw text by name; each plane's `settings.py` gives it a type and a
default. Lists are words separated by blanks or, in TOML, arrays; tables of lists
(`relay_addresses`) are words `key=value,value`, or TOML tables.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

PREFIX = "MEDIASTREAMER_"
FILE_NAME = "mediastreamer.toml"

T = TypeVar("T")


class SettingError(ValueError):
    """A setting that cannot be used; the text names it and says what it takes."""


@dataclass(frozen=True)
class Configuration:
    """Raw settings by their lower-case name, each remembering nothing but its text."""

    texts: Mapping[str, str]
    read: set[str] = field(default_factory=set, compare=False, repr=False)

    def get(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """Give the setting `name` through `parse`; a ValueError of `parse` names the setting."""
        self.read.add(name)
        text = self.texts.get(name)
        if text is None or text == "":
            return default
        try:
            return parse(text)
        except ValueError as error:
            raise SettingError(f"{PREFIX}{name.upper()}: {error}") from None

    def unknown(self) -> list[str]:
        """Names that were given and that nobody read: misspelt, as a rule."""
        return sorted(set(self.texts) - self.read)


def load_configuration(
    environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Configuration:
    """Read `file` (or the one that MEDIASTREAMER_CONFIG names), then let the environment win.

    `MEDIASTREAMER_X_FILE` names a file that holds the value of X: for secrets.
    """
    if file is None and (named := environment.get(f"{PREFIX}CONFIG")):
        file = Path(named)
    texts = {} if file is None else _texts_of_toml(file)
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable == f"{PREFIX}CONFIG":
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name.endswith("_file"):
            texts[name.removesuffix("_file")] = _content(variable, value)
        else:
            texts[name] = value
    return Configuration(texts)


def _texts_of_toml(file: Path) -> dict[str, str]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{file}: cannot be read ({type(error).__name__})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{file}: {error}") from None
    return {name: _text(file, name, value) for name, value in table.items()}


def _text(file: Path, name: str, value: object) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case str() | int() | float():
            return str(value)
        case list():
            return " ".join(_text(file, name, item) for item in value)
        case dict():
            return " ".join(
                f"{key}={_text(file, name, item).replace(' ', ',')}" for key, item in value.items()
            )
        case _:
            raise SettingError(f"{file}: {name}: takes a text, a number, a list or a table")


def _content(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{variable}: the file cannot be read ({type(error).__name__})"
        ) from None


def parse_switch(text: str) -> bool:
    """1 or 0, also yes/no, true/false, on/off."""
    match text.lower():
        case "1" | "yes" | "true" | "on":
            return True
        case "0" | "no" | "false" | "off":
            return False
    raise ValueError("takes 1 or 0")


def parse_count(text: str) -> int:
    """A whole number that is not negative."""
    if not text.isascii() or not text.isdigit():
        raise ValueError("takes a whole number, 0 or more")
    return int(text)


def parse_words(text: str) -> tuple[str, ...]:
    """Words separated by blanks or commas."""
    return tuple(text.replace(",", " ").split())


def parse_table(text: str) -> dict[str, tuple[str, ...]]:
    """Words `key=value,value`, separated by blanks."""
    table: dict[str, tuple[str, ...]] = {}
    for word in text.split():
        key, equals, values = word.partition("=")
        if not key or not equals or not values:
            raise ValueError("takes KEY=VALUE[,VALUE], separated by blanks")
        table[key] = (*table.get(key, ()), *values.split(","))
    return table
