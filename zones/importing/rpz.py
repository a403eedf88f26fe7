"""Response policy zones: `x CNAME …` is exactly x, `*.x CNAME …` what is below it."""

from collections.abc import Iterator
from dataclasses import dataclass

from zones.importing.lines import LeftOut, Line, Listed, numbered, wildcard

_TRIGGERS = (".rpz-ip", ".rpz-client-ip", ".rpz-nsip", ".rpz-nsdname")
_DATA = frozenset({"CNAME", "A", "AAAA", "TXT", "DNAME"})
_OF_THE_ZONE = frozenset({"SOA", "NS"})


def read_rpz(text: str, file: str) -> Iterator[Line]:
    """Each policy of a zone file; the action does not matter, but passing through does."""
    zone = _Zone()
    for place, line in numbered(text, file):
        code = line.partition(";")[0].rstrip()
        inside, zone.open = zone.open, zone.open + code.count("(") - code.count(")")
        if code and inside <= 0 and (found := zone.line(place, code)) is not None:
            yield found


@dataclass(slots=True)
class _Zone:
    origin: str = ""
    owner: str = "@"
    open: int = 0
    """Parentheses that wait for their end."""

    def line(self, place: str, code: str) -> Line | None:
        words = code.split()
        if words[0].startswith("$"):
            return self.directive(place, words)
        if not code[0].isspace():
            self.owner = words.pop(0)
        while words and (words[0].upper() == "IN" or words[0][0].isdigit()):
            words.pop(0)  # class and TTL, in either order
        kind = words[0].upper() if words else ""
        if kind in _OF_THE_ZONE:
            if kind == "SOA" and self.owner.endswith("."):
                self.origin = self.owner
            return None
        if kind not in _DATA or len(words) < 2:
            return LeftOut(place, code.strip(), "is no policy; `x CNAME .` would be one")
        return self.policy(place, words[1].lower())

    def directive(self, place: str, words: list[str]) -> Line | None:
        if words[0].upper() == "$ORIGIN" and len(words) > 1:
            self.origin = words[1]
        elif words[0].upper() != "$TTL":
            return LeftOut(place, " ".join(words), "is not followed; write the records out")
        return None

    def policy(self, place: str, target: str) -> Line:
        name = self.owner
        if name.endswith("."):
            name = name.removesuffix("." + self.origin).removesuffix(".")
        if name.lower().endswith(_TRIGGERS):
            return LeftOut(place, name, "is decided by an address or a name server, not by a name")
        if target == "rpz-passthru.":
            return Listed(place, "never", name.removeprefix("*."), "passes through (rpz-passthru)")
        return wildcard(place, name, plain="name")
