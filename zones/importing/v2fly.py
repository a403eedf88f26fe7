"""Lists of v2fly/domain-list-community: `data/NAME`, each able to include its neighbours.

example.com          the name and all below it, as domain:example.com
full:example.com     exactly
keyword:x  regexp:x  a substring, a Go regular expression: no names
include:list @a @-b  the rules of `list` that have the attribute a and not b
x @attribute &list   attributes; and the rule belongs to `list` as well
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from zones.importing.lines import LeftOut, Line, Listed, ListError, numbered

NOT_STEERED = {"ads": "is marked @ads", "cn": "is marked @cn"}
_PATTERNS = {
    "keyword": "a substring is no name; write the names that it stands for",
    "regexp": "an expression is no name; write the names that it stands for",
}
_LARGEST_LIST = 1 << 20  # octets; a neighbour beyond it is some other file


@dataclass(frozen=True, slots=True)
class Rule:
    """One line; `kind` is what stands before the colon."""

    place: str
    kind: str
    value: str
    attributes: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()


def read_v2fly(file: Path) -> list[Line]:
    """Read a list with all that it includes from its folder. Raises ListError, OSError."""
    folder = _Folder(file.parent, {file.name.lower(): file})
    return [_line(found) for found in folder.resolve(file.name.lower())]


def parse_rules(text: str, file: str) -> Iterator[Rule | LeftOut]:
    """Each rule of a list's text, in order."""
    for place, line in numbered(text, file):
        words = line.partition("#")[0].split()
        if not words:
            continue
        kind, colon, value = words[0].partition(":")
        if not colon:
            kind, value = "domain", words[0]
        marks = words[1:]
        odd = [mark for mark in marks if mark[0] not in "@&" or len(mark) == 1]
        if odd or not value:
            yield LeftOut(place, " ".join(words), "is no rule; write it as `domain:x @attribute`")
            continue
        yield Rule(
            place,
            kind.lower(),
            value,
            frozenset(mark[1:].lower() for mark in marks if mark[0] == "@"),
            frozenset(mark[1:].lower() for mark in marks if mark[0] == "&"),
        )


def _line(found: Rule | LeftOut) -> Line:
    if isinstance(found, LeftOut):
        return found
    text = f"{found.kind}:{found.value}"
    if (reason := _PATTERNS.get(found.kind)) is not None:
        return LeftOut(found.place, text, reason)
    if found.kind not in {"domain", "full"}:
        return LeftOut(found.place, text, "has an unknown type; known: domain, full, include")
    for attribute, reason in NOT_STEERED.items():
        if attribute in found.attributes:
            return Listed(found.place, "never", found.value, reason)
    return Listed(found.place, "suffix" if found.kind == "domain" else "name", found.value)


@dataclass(slots=True)
class _Folder:
    path: Path
    files: dict[str, Path]
    resolved: dict[str, list[Rule | LeftOut]] = field(default_factory=dict)
    given: dict[str, list[Rule]] = field(default_factory=dict)
    """Rules that a neighbour gives to a list by `&list`."""

    def __post_init__(self) -> None:
        for neighbour in sorted(self.path.iterdir()):
            if neighbour.suffix or not neighbour.is_file():
                continue
            self.files.setdefault(neighbour.name.lower(), neighbour)
            with suppress(PermissionError):  # some other file; as a list it is missed by name
                self.note_given(neighbour)

    def note_given(self, neighbour: Path) -> None:
        if neighbour.stat().st_size > _LARGEST_LIST:
            return
        text = neighbour.read_text(encoding="utf-8", errors="replace")
        if "&" not in text:
            return
        for rule in parse_rules(text, neighbour.name):
            if isinstance(rule, Rule) and rule.kind != "include":
                for name in rule.lists:
                    self.given.setdefault(name, []).append(rule)

    def resolve(self, name: str, above: tuple[str, ...] = ()) -> list[Rule | LeftOut]:
        """All rules of a list, those of its includes among them."""
        if name in above:
            circle = " includes ".join([*above[above.index(name) :], name])
            raise ListError(f"the lists include each other: {circle}; remove one of these lines")
        if name not in self.resolved:
            found: list[Rule | LeftOut] = []
            for rule in [*self.own(name), *self.given.get(name, ())]:
                if isinstance(rule, Rule) and rule.kind == "include":
                    found += self.included(rule, (*above, name))
                else:
                    found.append(rule)
            self.resolved[name] = found
        return self.resolved[name]

    def own(self, name: str) -> list[Rule | LeftOut]:
        if name not in self.files:
            return []
        file = self.files[name]
        try:
            return list(parse_rules(file.read_text(encoding="utf-8-sig"), file.name))
        except UnicodeDecodeError:
            raise ListError(f"{file} is not UTF-8 text; is it a list?") from None

    def included(self, rule: Rule, above: tuple[str, ...]) -> list[Rule | LeftOut]:
        name = rule.value.lower()
        if name not in self.files and name not in self.given:
            reason = f"there is no file {rule.value} beside this one; fetch it, or go without"
            return [LeftOut(rule.place, f"include:{rule.value}", reason)]
        banned = {mark[1:] for mark in rule.attributes if mark.startswith("-")}
        wanted = {mark for mark in rule.attributes if not mark.startswith("-")}
        return [
            one
            for one in self.resolve(name, above)
            if isinstance(one, LeftOut)
            or (wanted <= one.attributes and not banned & one.attributes)
        ]
