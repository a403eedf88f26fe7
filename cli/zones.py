"""`mediastreamer zones`: see, check and extend the catalogue of streaming services."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.state import State, json_option, state_option
from cli.zones_import import import_list
from smartdns.contract.addresses import parse_address
from smartdns.contract.configuration import parse_table, parse_words
from zones.catalog import Catalog
from zones.explain import Explanation, explain
from zones.load import BUILT_IN, load_catalog
from zones.names import NameFormatError, parse_name
from zones.problems import CatalogError
from zones.toml_lines import TomlLines

F = TypeVar("F", bound=Callable[..., Any])


@click.group()
def zones() -> None:
    """Check, list, explain and import streaming services."""


def _zones_option(command: F) -> F:
    return click.option(
        "--zones",
        "directories",
        metavar="DIR",
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder of services added to the built-in ones (repeatable) [default: the setting].",
    )(command)


@zones.command()
@state_option
@_zones_option
@json_option
def check(state: State, directories: tuple[Path, ...], *, as_json: bool) -> None:
    """Read the whole catalogue and say everything that is wrong with it."""
    try:
        catalog = load_catalog(_folders(state, directories))
    except CatalogError as error:
        if as_json:
            problems = [asdict(problem) for problem in error.problems]
            click.echo(json.dumps({"good": False, "problems": problems}, indent=2))
        else:
            click.echo(str(error), err=True)
        raise SystemExit(1) from None
    entries = sum(len(one.suffixes) + len(one.names) for one in catalog.services.values())
    if as_json:
        counts = {"services": len(catalog.services), "entries": entries}
        click.echo(
            json.dumps({"good": True, "problems": [], "notes": catalog.notes, **counts}, indent=2)
        )
        return
    for note in catalog.notes:
        click.echo(f"Note: {note}")
    click.echo(f"Good: {len(catalog.services)} services, {entries} entries.")


@zones.command("list")
@state_option
@_zones_option
@json_option
def list_services(state: State, directories: tuple[Path, ...], *, as_json: bool) -> None:
    """List the services and the regions that they make sense in."""
    catalog = _load(state, directories)
    services = sorted(catalog.services.values(), key=lambda one: one.title.casefold())
    if as_json:
        listed = [{**asdict(one), "file": catalog.files[one.name]} for one in services]
        titles = {code: region.title for code, region in catalog.regions.items()}
        click.echo(json.dumps({"services": listed, "regions": titles}, indent=2))
        return
    width = max(len(one.name) for one in services)
    for one in services:
        click.echo(f"{one.name:{width}}  {one.title}  [{' '.join(one.regions)}]")


@zones.command("explain")
@click.argument("name")
@click.option("--region", metavar="R", help="Default region of the household that asks.")
@click.option(
    "--from",
    "address",
    metavar="ADDRESS",
    help="Follow this address through database, Redis, each mirror and the decision.",
)
@state_option
@_zones_option
@json_option
def explain_name(
    name: str,
    region: str | None,
    address: str | None,
    state: State,
    directories: tuple[Path, ...],
    *,
    as_json: bool,
) -> None:
    """Say which entry decides about NAME, and what a household of region R gets."""
    try:
        wire = parse_name(name)
    except NameFormatError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None
    if address is not None:
        if region is not None or directories:
            raise click.UsageError(
                "--from shows what is running, with the address's own region and the zones "
                "setting: leave --region and --zones out"
            )
        _follow(state, name, address, as_json=as_json)
        return
    catalog = _load(state, directories)
    if region is not None and region not in catalog.regions:
        known = ", ".join(catalog.regions)
        raise click.BadParameter(f"{region!r} is no region; known: {known}", param_hint="--region")
    none: dict[str, tuple[str, ...]] = {}
    relays = state.configuration().get("relay_addresses", parse_table, none)
    found = explain(catalog, wire, region, relays)
    place = _place(catalog, found)
    if as_json:
        click.echo(json.dumps({**asdict(found), "place": place}, indent=2))
        return
    click.echo(found.reason + (f", {place}" if place else ""))
    if found.regions:
        click.echo(f"It makes sense in: {' '.join(found.regions)}")
    if found.region is not None:
        household = f"a household of {region}" if region else "a household that chose no region"
        assumed = "" if relays else " (as if every region had a relay; none is configured here)"
        click.echo(f"For {household}: region {found.region}{assumed}")
    for kind, answer in found.answers.items():
        click.echo(f"  {kind:6}{answer}")


def _follow(state: State, name: str, address: str, *, as_json: bool) -> None:
    from cli.zones_from import follow, lines

    try:
        asked = parse_address(address)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--from") from None
    trail = follow(state, name, asked)
    click.echo(json.dumps(asdict(trail)) if as_json else "\n".join(lines(trail)))


def _place(catalog: Catalog, found: Explanation) -> str | None:
    """File and line of the entry that decided."""
    if found.entry is None:
        return None
    file = Path(catalog.files[found.service] if found.service else BUILT_IN / "never.toml")
    lines = TomlLines(file.read_text(encoding="utf-8-sig"))
    places = [lines.find_value(key, found.entry) for key in ("suffixes", "names", "never")]
    line = next((place for place in places if place is not None), 1)
    return f"{file}:{line}"


def _folders(state: State, directories: tuple[Path, ...]) -> tuple[Path, ...]:
    if directories:
        return directories
    none: tuple[str, ...] = ()
    return tuple(map(Path, state.configuration().get("zones", parse_words, none)))


def _load(state: State, directories: tuple[Path, ...]) -> Catalog:
    try:
        return load_catalog(_folders(state, directories))
    except CatalogError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None


zones.add_command(import_list)
