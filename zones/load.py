"""Read the catalogue: the services that come with the product, and an operator's own."""

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from zones.catalog import Catalog, Region
from zones.index import index_services, quarrels
from zones.names import NameFormatError, parse_name
from zones.problems import CatalogError, Problem
from zones.service_file import ServiceFile, read_service
from zones.toml_lines import TomlLines

BUILT_IN = Path(__file__).parent
REGIONS = "regions.toml"


def load_catalog(directories: Iterable[Path | str] = ()) -> Catalog:
    """Read the built-in services and every `*.toml` of `directories`.

    A file there with the name of a built-in service takes its place; one named `regions.toml`
    adds regions. Raises CatalogError with everything that is wrong in all of the files.
    """
    problems: list[Problem] = []
    folders = [Path(directory) for directory in directories]
    regions = _regions([BUILT_IN, *folders], problems)
    never = _never(BUILT_IN / "never.toml", problems)
    files: dict[str, ServiceFile] = {}
    seen: dict[str, Path] = {}
    notes = []
    for folder in (BUILT_IN / "services", *folders):
        for path in _service_paths(folder, problems):
            if (earlier := seen.get(path.stem)) is not None:
                if earlier.parent != BUILT_IN / "services":
                    text = f"the service {path.stem} is in {earlier} already; give it another name"
                    problems.append(Problem(str(path), 1, text))
                    continue
                notes.append(f"{path} takes the place of the built-in service {path.stem}")
                files.pop(path.stem, None)
            seen[path.stem] = path
            if (file := _service(path, regions, problems)) is not None:
                files[path.stem] = file
    in_order = list(files.values())
    problems += quarrels(in_order)
    if problems:
        raise CatalogError(problems)
    catalog = index_services((file.service for file in in_order), regions, never)
    return replace(
        catalog,
        files={file.service.name: file.file for file in in_order},
        notes=(*notes, *catalog.notes),
    )


def catalog_of(directories: Iterable[Path | str]) -> Catalog:
    """Give what `load_catalog` gives; where there are no directories, read once a process.

    What workers are forked from has read it for them.
    """
    folders = list(directories)
    return load_catalog(folders) if folders else built_in_catalog()


@functools.cache
def built_in_catalog() -> Catalog:
    """Give the services that come with the product; the same object at each call."""
    return load_catalog()


def _service_paths(folder: Path, problems: list[Problem]) -> list[Path]:
    try:
        paths = [path for path in folder.iterdir() if path.suffix == ".toml"]
    except OSError as error:
        text = f"cannot be read as a folder of services ({error.strerror}); name an existing one"
        problems.append(Problem(str(folder), 1, text))
        return []
    return sorted(path for path in paths if path.name != REGIONS)


def _service(path: Path, regions: dict[str, Region], problems: list[Problem]) -> ServiceFile | None:
    if (text := _text(path, problems)) is None:
        return None
    file, found = read_service(text, str(path), regions)
    problems += found
    return file


def _text(path: Path, problems: list[Problem]) -> str | None:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        problems.append(Problem(str(path), 1, f"cannot be read ({error.strerror})"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problems.append(Problem(str(path), line, "is not UTF-8; save it as UTF-8"))
    return None


def _table(path: Path, problems: list[Problem]) -> tuple[dict[str, object], TomlLines]:
    text = _text(path, problems) or ""
    lines = TomlLines(text)
    try:
        return tomllib.loads(text), lines
    except tomllib.TOMLDecodeError as error:
        line, message = lines.of_error(str(error))
        problems.append(Problem(str(path), line, f"is not TOML: {message}"))
        return {}, lines


def _regions(folders: Iterable[Path], problems: list[Problem]) -> dict[str, Region]:
    regions: dict[str, Region] = {}
    for path in (folder / REGIONS for folder in folders):
        if not path.exists():
            continue
        table, lines = _table(path, problems)
        for code, title in table.items():
            if not (len(code) == 2 and code.isascii() and code.isalpha() and code.islower()):
                text = f"{code!r} is no region code; write two lower-case letters (ISO 3166)"
                problems.append(Problem(str(path), lines.of_key(code), text))
            elif not isinstance(title, str) or not title.strip():
                text = f'{code}: takes a title: `{code} = "…"`'
                problems.append(Problem(str(path), lines.of_key(code), text))
            else:
                regions[code] = Region(code, title.strip())
    return regions


def _never(path: Path, problems: list[Problem]) -> list[bytes]:
    table, lines = _table(path, problems)
    entries = table.get("never")
    wires = []
    for entry in entries if isinstance(entries, list) else ():
        try:
            wires.append(parse_name(str(entry)))
        except NameFormatError as problem:
            problems.append(Problem(str(path), lines.of_value("never", str(entry)), str(problem)))
    return wires
