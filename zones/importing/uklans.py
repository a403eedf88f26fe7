"""Lists of uklans/cache-domains: `cache_domains.json` names services and their files."""

import json
from collections.abc import Iterator
from pathlib import Path

from zones.importing.lines import LeftOut, Line, ListError, numbered, wildcard

INDEX = "cache_domains.json"


def read_uklans(text: str, file: str) -> Iterator[Line]:
    """One service's file: `*.x` is what is below x, a bare name exactly that name."""
    for place, line in numbered(text, file):
        if name := line.partition("#")[0].strip():
            yield wildcard(place, name, plain="name")


def read_index(index: Path) -> dict[str, tuple[str, list[Line]]]:
    """Title and lines of each service that the index names. Raises ListError, OSError."""
    try:
        services = json.loads(index.read_text(encoding="utf-8-sig"))["cache_domains"]
        named = [(one["name"], one.get("description", ""), one["domain_files"]) for one in services]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ListError(
            f"{index} is not an index of uklans: an object with `cache_domains`, each with `name` "
            "and `domain_files`"
        ) from None
    return {
        name: (title, [line for file in files for line in _lines(index, file)])
        for name, title, files in named
    }


def _lines(index: Path, file: str) -> Iterator[Line]:
    path = index.parent / Path(file).name
    if not path.is_file():
        yield LeftOut(index.name, file, "there is no such file beside the index; fetch it")
        return
    yield from read_uklans(path.read_text(encoding="utf-8-sig"), path.name)
