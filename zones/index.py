"""Services -> Catalog: the index by wire form, and what two services quarrel about."""

from collections.abc import Iterable, Mapping, Sequence

from zones.catalog import Catalog, Region, Service
from zones.names import parse_name, render_name, tails
from zones.problems import Problem
from zones.service_file import ServiceFile


def index_services(
    services: Iterable[Service], regions: Mapping[str, Region], never: Iterable[bytes] = ()
) -> Catalog:
    """Index services that are known to be consistent; nothing at or below `never` is steered."""
    kept_out = frozenset(never)
    suffixes: dict[bytes, Service] = {}
    names: dict[bytes, Service] = {}
    excluded = set(kept_out)
    by_name: dict[str, Service] = {}
    notes = []
    for service in services:
        by_name[service.name] = service
        excluded.update(map(parse_name, service.never))
        for index, entries in ((suffixes, service.suffixes), (names, service.names)):
            for entry in entries:
                wire = parse_name(entry)
                if (above := _first_in(kept_out, wire)) is None:
                    index[wire] = service
                else:
                    why = f"{render_name(above)} is never steered (zones/never.toml)"
                    notes.append(f"{service.name}: {entry} has no effect, for {why}")
    return Catalog(
        by_name, regions, suffixes, names, frozenset(excluded), never=kept_out, notes=tuple(notes)
    )


def quarrels(files: Sequence[ServiceFile]) -> list[Problem]:
    """Entries that two services claim, or that one claims and another keeps out."""
    problems = []
    claims: dict[str, ServiceFile] = {}
    for file in files:
        for name in (*file.service.suffixes, *file.service.names):
            other = claims.setdefault(name, file)
            if other is not file:
                problems.append(
                    file.problem(
                        name,
                        f"is claimed by {other.service.name} too "
                        f"({other.file}:{other.problem(name, '').line}); only one can have it",
                    )
                )
    for file in files:
        problems += [_of_never(file, name, claims) for name in _odd_nevers(file, claims)]
    return problems


def _odd_nevers(file: ServiceFile, claims: Mapping[str, ServiceFile]) -> list[str]:
    if not file.service.never:
        return []
    own = {parse_name(name) for name in file.service.suffixes}
    return [
        name
        for name in file.service.never
        if name in claims or not own.intersection(tails(parse_name(name)))
    ]


def _of_never(file: ServiceFile, name: str, claims: Mapping[str, ServiceFile]) -> Problem:
    if (claimant := claims.get(name)) is not None:
        text = f"is kept out here and steered by {claimant.service.name}; drop one of the two"
    else:
        text = "is kept out, but no suffix of this service is above it; drop it"
    return Problem(file.file, file.lines.of_value("never", name), f"never: {name} {text}")


def _first_in(kept_out: frozenset[bytes], wire: bytes) -> bytes | None:
    return next((tail for tail in tails(wire) if tail in kept_out), None)
