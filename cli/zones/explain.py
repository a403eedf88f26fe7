"""`mediastreamer zones explain`: which entry decides about a name."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from cli.state import State, json_option, state_option
from cli.zones.loading import load, zones_option
from smartdns.contract.addresses import parse_address
from smartdns.contract.configuration import parse_table
from zones.catalog import Catalog
from zones.explain import Explanation
from zones.explain import explain as explain_name
from zones.load import BUILT_IN
from zones.names import NameFormatError, parse_name
from zones.toml_lines import TomlLines


@click.command()
@click.argument("name")
@click.option("--region", metavar="R", help="Default region of the household.")
@click.option(
    "--from",
    "address",
    metavar="ADDRESS",
    help="Show this address in the database, in Redis and in each worker, and what is decided.",
)
@state_option
@zones_option
@json_option
def explain(
    name: str,
    region: str | None,
    address: str | None,
    state: State,
    directories: tuple[Path, ...],
    *,
    as_json: bool,
) -> None:
    """Say which entry decides about NAME, and which answers a household of region R gets."""
    try:
        wire = parse_name(name)
    except NameFormatError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None
    if address is not None:
        if region is not None or directories:
            raise click.UsageError(
                "--from shows what is running, with the region of the address and the zones of the "
                "settings: omit --region and --zones"
            )
        _trace(state, name, address, as_json=as_json)
        return
    catalog = load(state, directories)
    if region is not None and region not in catalog.regions:
        known = ", ".join(catalog.regions)
        raise click.BadParameter(
            f"{region!r} is not a region; known: {known}", param_hint="--region"
        )
    none: dict[str, tuple[str, ...]] = {}
    relays = state.configuration().get("relay_addresses", parse_table, none)
    found = explain_name(catalog, wire, region, relays)
    line = _line_of(catalog, found)
    if as_json:
        click.echo(json.dumps({**asdict(found), "place": line}, indent=2))
        return
    click.echo(found.reason + (f", {line}" if line else ""))
    if found.regions:
        click.echo(f"It has the regions: {' '.join(found.regions)}")
    if found.region is not None:
        household = f"a household of {region}" if region else "a household without a region"
        assumed = "" if relays else " (as if every region had a relay; none is configured here)"
        click.echo(f"For {household}: region {found.region}{assumed}")
    for kind, answer in found.answers.items():
        click.echo(f"  {kind:6}{answer}")


def _trace(state: State, name: str, address: str, *, as_json: bool) -> None:
    from cli.zones.trace import render_trace, trace_address

    try:
        asked = parse_address(address)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--from") from None
    trace = trace_address(state, name, asked)
    click.echo(json.dumps(asdict(trace)) if as_json else "\n".join(render_trace(trace)))


def _line_of(catalog: Catalog, found: Explanation) -> str | None:
    """Give file and line of the entry that decided."""
    if found.entry is None:
        return None
    file = Path(catalog.files[found.service] if found.service else BUILT_IN / "never.toml")
    lines = TomlLines(file.read_text(encoding="utf-8-sig"))
    numbers = [lines.find_value(key, found.entry) for key in ("suffixes", "names", "never")]
    line = next((number for number in numbers if number is not None), 1)
    return f"{file}:{line}"
