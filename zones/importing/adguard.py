"""AdGuard's DNS filters: `||x^` is x and all below, `@@` an exception; hosts lines, bare names."""

import ipaddress
from collections.abc import Iterator

from zones.importing.lines import LeftOut, Line, Listed, numbered, wildcard

_HARMLESS = ("important", "dnsrewrite")
"""Modifiers that leave the set of names as it is."""


def read_adguard(text: str, file: str) -> Iterator[Line]:
    """Each rule of a filter list."""
    for place, line in numbered(text, file):
        rule = line.strip()
        if not rule or rule[0] in "!#[":
            continue
        words = rule.partition(" #")[0].split()
        if len(words) > 1 and _is_address(words[0]):
            yield from (Listed(place, "name", name) for name in words[1:])
        else:
            yield _rule(place, rule)


def _rule(place: str, text: str) -> Line:
    pattern, _, modifiers = text.removeprefix("@@").partition("$")
    odd = [one for one in modifiers.split(",") if one and not one.startswith(_HARMLESS)]
    if odd or "/" in pattern or "##" in pattern or " " in pattern:
        reason = "is an expression, or holds for some clients or types only; write its names"
        return LeftOut(place, text, reason)
    name = pattern.removesuffix("|").removesuffix("^")
    if text.startswith("@@"):
        return Listed(place, "never", name.lstrip("|"), "is an exception (@@)")
    if name.startswith("||"):
        return wildcard(place, name[2:], plain="suffix")
    return wildcard(place, name.removeprefix("|"), plain="name")


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True
