"""Which format a list is in, and how each is read."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zones.importing import adguard, clash, dnsmasq, rpz, uklans, v2fly
from zones.importing.lines import Line, ListError

READERS: dict[str, Callable[[str, str], Iterator[Line]]] = {
    "uklans": uklans.read_uklans,
    "dnsmasq": dnsmasq.read_dnsmasq,
    "adguard": adguard.read_adguard,
    "clash": clash.read_clash,
    "rpz": rpz.read_rpz,
}
FORMATS = ("v2fly", *READERS)

_SIGNS = (
    ("dnsmasq", re.compile(r"\s*(address|server|local|ipset|nftset)=/")),
    ("adguard", re.compile(r"\s*(@@)?\|\||\s*(0\.0\.0\.0|127\.0\.0\.1|::1?)\s+\S|\[Adblock")),
    (
        "clash",
        re.compile(r"""\s*(-\s*)?["']?(DOMAIN|DOMAIN-SUFFIX),|\s*payload:|\s*-\s*["']?\+\."""),
    ),
    ("rpz", re.compile(r"\$(TTL|ORIGIN)\b|\S+\s+(\d+\s+)?(IN\s+)?(CNAME|SOA)\s", re.IGNORECASE)),
    ("uklans", re.compile(r"\*\.")),
)


@dataclass(frozen=True, slots=True)
class List:
    """What one file, or one service of an index, says."""

    name: str
    title: str
    """Empty where the list gives none."""
    lines: list[Line]


def read_lists(file: Path, format_name: str | None = None) -> tuple[str, list[List]]:
    """Read a file in the given format, or in the one that it looks like; say which.

    Raises ListError for what cannot be read.
    """
    try:
        return _read(file, format_name)
    except OSError as error:
        raise ListError(f"{file} cannot be read ({error.strerror}); name a list's file") from None
    except UnicodeDecodeError:
        raise ListError(f"{file} is not UTF-8 text; is it a list?") from None


def _read(file: Path, format_name: str | None) -> tuple[str, list[List]]:
    text = file.read_text(encoding="utf-8-sig")
    if file.suffix == ".json" and format_name in {None, "uklans"}:
        found = uklans.read_index(file)
        return "uklans", [List(name, title, lines) for name, (title, lines) in found.items()]
    chosen = format_name or guess_format(file, text)
    read = READERS.get(chosen)
    lines = v2fly.read_v2fly(file) if read is None else list(read(text, file.name))
    return chosen, [List(file.stem, "", lines)]


def guess_format(file: Path, text: str) -> str:
    """The format whose sign comes first; bare names are v2fly's, or uklans' beside its index."""
    if (file.parent / uklans.INDEX).exists():
        return "uklans"
    for line in text.splitlines():
        for name, sign in _SIGNS:
            if sign.match(line):
                return name
    return "v2fly"
