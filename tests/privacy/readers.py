"""Who reads what is registered: found in the syntax tree, whatever way a module comes by it."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGES = ("smartdns", "registry", "cli", "zones")

_WORDS: Mapping[str, frozenset[str]] = {
    "registered": frozenset({"Registration", "registrations", "networks_of", "network_text"}),
    "grants": frozenset(
        {
            *("GRANTS", "GRANTS_BEING_BUILT", "grants_for", "grant_texts_after"),
            *("decode_profile", "decode_change", "decode_message"),
        }
    ),
    "mirror": frozenset({"Mirror", "GrantTable", "PrefixTable"}),
}
_TEXTS: Mapping[str, re.Pattern[str]] = {
    "registered": re.compile(r"\b(from|join|into|update)\s+registration\b", re.IGNORECASE),
    "grants": re.compile(r"^mediastreamer:v1:(grants|changes)"),
}


def readers(source: str) -> set[str]:
    """Say which of "registered", "grants", "mirror" and "every table" a module touches."""
    return {kind for node in ast.walk(ast.parse(source)) for kind in _touched_by(node)}


def all_readers(root: Path) -> dict[str, set[str]]:
    """Give each module of ours that touches any of them; what a migration did is over."""
    found = {
        str(path.relative_to(root)): readers(path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
        if "migrations" not in path.parts
    }
    return {file: kinds for file, kinds in found.items() if kinds}


def _touched_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word):
            yield from _kinds_of(word)
        case ast.Constant(value=str(text)):
            yield from _kinds_of(text)  # getattr(models, "Registration")
            yield from (kind for kind, pattern in _TEXTS.items() if pattern.search(text))
    match node:
        case ast.Attribute(attr="lookup") | ast.Attribute(attr="lookup_network"):
            yield "mirror"
        case ast.Attribute(attr="metadata") | ast.Attribute(attr="get_table_names"):
            yield "every table"


def _kinds_of(word: str) -> Iterator[str]:
    yield from (kind for kind, words in _WORDS.items() if word in words)
