"""Clash's rules: `DOMAIN-SUFFIX,x`, `DOMAIN,x`, also as YAML items, and its domain sets `+.x`."""

from collections.abc import Iterator

from zones.importing.lines import LeftOut, Line, Listed, numbered, wildcard


def read_clash(text: str, file: str) -> Iterator[Line]:
    """Each rule; whatever policy stands behind the name."""
    for place, line in numbered(text, file):
        code = line.partition("#")[0].strip()
        if not code or code in {"payload:", "rules:"}:
            continue
        rule = code.removeprefix("-").strip().strip("'\"")
        yield _rule(place, rule)


def _rule(place: str, rule: str) -> Line:
    kind, comma, rest = rule.partition(",")
    name = rest.split(",")[0].strip()
    if not comma:
        return _of_set(place, rule)
    match kind.strip().upper():
        case "DOMAIN-SUFFIX":
            return Listed(place, "suffix", name)
        case "DOMAIN":
            return Listed(place, "name", name)
    return LeftOut(place, rule, "is no name; write the names under DOMAIN or DOMAIN-SUFFIX")


def _of_set(place: str, rule: str) -> Line:
    if rule.startswith("+."):
        return Listed(place, "suffix", rule[2:])
    if rule.startswith("."):
        return Listed(place, "below", rule[1:])
    return wildcard(place, rule, plain="name")
