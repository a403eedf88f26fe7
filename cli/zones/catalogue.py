"""`mediastreamer zones check` and `zones list`: the catalogue as a whole."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from cli.state import State, json_option, state_option
from cli.zones.loading import folders, load, zones_option
from zones.load import load_catalog
from zones.problems import CatalogError


@click.command()
@state_option
@zones_option
@json_option
def check(state: State, directories: tuple[Path, ...], *, as_json: bool) -> None:
    """Read the whole catalogue and report every fault in it."""
    try:
        catalog = load_catalog(folders(state, directories))
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


@click.command("list")
@state_option
@zones_option
@json_option
def list_services(state: State, directories: tuple[Path, ...], *, as_json: bool) -> None:
    """List the services and the regions that they have."""
    catalog = load(state, directories)
    services = sorted(catalog.services.values(), key=lambda one: one.title.casefold())
    if as_json:
        listed = [{**asdict(one), "file": catalog.files[one.name]} for one in services]
        titles = {code: region.title for code, region in catalog.regions.items()}
        click.echo(json.dumps({"services": listed, "regions": titles}, indent=2))
        return
    width = max(len(one.name) for one in services)
    for one in services:
        click.echo(f"{one.name:{width}}  {one.title}  [{' '.join(one.regions)}]")
