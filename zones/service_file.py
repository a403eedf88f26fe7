"""One service's file: TOML text -> Service, with every mistake and its line; and back."""

import re
import tomllib
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import PurePath

from zones.catalog import Service
from zones.names import NameFormatError, parse_name, render_name
from zones.problems import Problem
from zones.toml_lines import TomlLines
from zones.too_wide import why_too_wide

KEYS = ("title", "regions", "suffixes", "names", "never")
SERVICE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
LONGEST_TITLE = 60  # characters; it has to fit a phone's line


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """A service and the file that it was read from."""

    service: Service
    file: str
    lines: TomlLines

    def problem(self, name: str, text: str) -> Problem:
        """A problem of the entry `name`, at its line."""
        for key in ("suffixes", "names", "never"):
            if name in getattr(self.service, key):
                return Problem(self.file, self.lines.of_value(key, name), f"{name} {text}")
        return Problem(self.file, 1, f"{name} {text}")


def read_service(
    text: str, file: str, regions: Container[str]
) -> tuple[ServiceFile | None, list[Problem]]:
    """Read the text of the file named `file`; its stem is the service's name."""
    lines = TomlLines(text)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, message = lines.of_error(str(error))
        return None, [Problem(file, line, f"is not TOML: {message}")]
    reading = _Reading(table, file, lines)
    service = reading.service(regions)
    if reading.problems:
        return None, reading.problems
    return ServiceFile(service, file, lines), []


def render_service(service: Service, comments: Iterable[str] = ()) -> str:
    """The text of a file that reads back as this service (but for its name)."""
    parts = [f"# {comment}" for comment in comments]
    title = service.title.replace("\\", "\\\\").replace('"', '\\"')
    parts += [f'title = "{title}"', f"regions = {_inline(service.regions)}"]
    for key in ("suffixes", "names", "never"):
        if entries := getattr(service, key):
            parts.append(f"{key} = [\n" + "".join(f'    "{name}",\n' for name in entries) + "]")
    return "\n".join(parts) + "\n"


def _inline(texts: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{text}"' for text in texts) + "]"


@dataclass(slots=True)
class _Reading:
    table: dict[str, object]
    file: str
    lines: TomlLines
    problems: list[Problem] = field(default_factory=list)

    def service(self, regions: Container[str]) -> Service:
        name = PurePath(self.file).stem
        if not SERVICE_NAME.fullmatch(name):
            self.note(1, "the file's name is the service's: up to 40 of a-z, 0-9 and `-`")
        for key in self.table:
            if key not in KEYS:
                self.note(self.lines.of_key(key), f"unknown key {key!r}; known: {', '.join(KEYS)}")
        steered: dict[bytes, str] = {}
        service = Service(
            name=name,
            title=self.title(),
            regions=self.regions(regions),
            suffixes=self.names("suffixes", steered),
            names=self.names("names", steered),
            never=self.names("never", {}),
        )
        if not steered and not self.problems:
            self.note(1, "steers nothing; give it `suffixes` or `names`")
        return service

    def note(self, line: int, text: str) -> None:
        self.problems.append(Problem(self.file, line, text))

    def title(self) -> str:
        title = self.table.get("title")
        if not isinstance(title, str) or not title.strip():
            self.note(self.lines.of_key("title"), 'needs a title: `title = "…"`')
            return ""
        if len(title) > LONGEST_TITLE or not title.isprintable():
            self.note(self.lines.of_key("title"), f"title: at most {LONGEST_TITLE} characters")
        return title.strip()

    def regions(self, known: Container[str]) -> tuple[str, ...]:
        codes = self.texts("regions")
        if not codes and "regions" not in self.table:
            self.note(1, 'needs the regions it makes sense in: `regions = ["us"]`')
        elif not codes:
            self.note(self.lines.of_key("regions"), "regions: name at least one")
        for place, code in enumerate(codes):
            if code in codes[:place]:
                self.note(self.lines.of_value("regions", code, 2), f"region {code!r} stands twice")
            elif code not in known:
                line = self.lines.of_value("regions", code)
                self.note(line, f"unknown region {code!r}; `regions.toml` has those that exist")
        return codes

    def names(self, key: str, seen: dict[bytes, str]) -> tuple[str, ...]:
        """The names under `key` in normal form; `seen` has those read so far."""
        good = []
        times: dict[str, int] = {}
        for text in self.texts(key):
            times[text] = times.get(text, 0) + 1
            try:
                wire = parse_name(text)
            except NameFormatError as problem:
                self.note(self.lines.of_value(key, text), f"{key}: {problem}")
                continue
            if (reason := self.reason_against(key, wire)) is not None:
                self.note(self.lines.of_value(key, text), f"{key}: {text} {reason}")
            elif wire in seen:
                line = self.lines.of_value(key, text, times[text])
                self.note(line, f"{text} stands twice; it is under `{seen[wire]}` already")
            else:
                seen[wire] = key
                good.append(render_name(wire))
        return tuple(good)

    def reason_against(self, key: str, wire: bytes) -> str | None:
        if key == "suffixes" or wire[wire[0] + 1] == 0:
            return why_too_wide(wire)
        return None

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.table.get(key, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        self.note(self.lines.of_key(key), f'{key}: takes a list of texts: `{key} = ["…"]`')
        return ()
