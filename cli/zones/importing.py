"""`mediastreamer zones import`: from a published list to the file of a service."""

import json
import re
from dataclasses import asdict
from pathlib import Path

import click

from cli.state import json_option
from zones.catalog import Catalog, Service
from zones.importing.formats import FORMATS, List, read_lists
from zones.importing.gather import Imported, gather
from zones.importing.lines import ListError
from zones.load import load_catalog
from zones.problems import CatalogError
from zones.service_file import LONGEST_TITLE, SERVICE_NAME, read_service, render_service


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    help="Format of FILE [default: detected].",
)
@click.option("--title", help="Name that people see [default: from the file name].")
@click.option(
    "--region",
    "regions",
    metavar="R",
    multiple=True,
    help="Region of the service; repeatable, the preferred one first.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File NAME.toml, or folder, to write to [default: standard output].",
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@json_option
def import_list(
    file: Path,
    format_name: str | None,
    title: str | None,
    regions: tuple[str, ...],
    output: Path | None,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Make a service from FILE, a list in one of the usual formats."""
    catalog = _catalog()
    _check_regions(regions, catalog)
    if title is not None and not (0 < len(title.strip()) <= LONGEST_TITLE and title.isprintable()):
        raise click.BadParameter(f"takes 1 to {LONGEST_TITLE} characters", param_hint="--title")
    chosen, lists = _read(file, format_name, output)
    imported: dict[str, Imported] = {}
    for one in lists:
        name = _name(one, output)
        imported[name] = gather(
            name, title or _title(one), regions or tuple(catalog.regions), one.lines, catalog
        )
    comment = f"Imported from a list in {chosen} format: {file.name}"
    texts = {
        name: _text(one.service, comment, catalog)
        for name, one in imported.items()
        if one.service is not None
    }
    targets = {name: _target(name, output, force=force) for name in texts}
    _report(imported, given_regions=bool(regions), as_json=as_json, chosen=chosen)
    for name, text in texts.items():
        _write(targets[name], text, as_json=as_json)
    if not texts:
        raise click.ClickException(f"{file} has nothing that can be steered; nothing was written")


def _check_regions(regions: tuple[str, ...], catalog: Catalog) -> None:
    for position, code in enumerate(regions):
        if code not in catalog.regions:
            known = ", ".join(catalog.regions)
            raise click.BadParameter(
                f"{code!r} is not a region; known: {known}", param_hint="--region"
            )
        if code in regions[:position]:
            raise click.BadParameter(f"{code!r} appears twice", param_hint="--region")


def _read(file: Path, format_name: str | None, output: Path | None) -> tuple[str, list[List]]:
    try:
        chosen, lists = read_lists(file, format_name)
    except ListError as error:
        raise click.ClickException(str(error)) from None
    if len(lists) > 1 and (output is None or not output.is_dir()):
        raise click.UsageError(
            f"{file} has {len(lists)} services; choose a folder with --output DIR"
        )
    return chosen, lists


def _catalog() -> Catalog:
    try:
        return load_catalog()
    except CatalogError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None


def _name(one: List, output: Path | None) -> str:
    """Give the service's name: that of the output file, otherwise derived from the list."""
    if output is not None and not output.is_dir():
        if output.suffix != ".toml" or not SERVICE_NAME.fullmatch(output.stem):
            raise click.BadParameter(
                "takes NAME.toml, where NAME has up to 40 of a-z, 0-9 and `-`",
                param_hint="--output",
            )
        return output.stem
    return re.sub(r"[^a-z0-9]+", "-", one.name.lower())[:40].strip("-") or "imported"


def _title(one: List) -> str:
    title = one.title if one.title.isprintable() else ""
    return (title.strip() or one.name.replace("-", " ").replace("_", " ").title())[:LONGEST_TITLE]


def _text(service: Service, comment: str, catalog: Catalog) -> str:
    """Give the text of the file, after checking that the loader accepts it."""
    text = render_service(service, (comment,))
    _, problems = read_service(text, f"{service.name}.toml", catalog.regions)
    if problems:
        raise click.ClickException(f"the import of {service.name} is not valid: {problems[0]}")
    return text


def _report(
    imported: dict[str, Imported], *, given_regions: bool, as_json: bool, chosen: str
) -> None:
    if as_json:
        found = [
            {
                "service": _plain(one.service),
                "left_out": [asdict(line) for line in one.left_out],
                "notes": one.notes,
            }
            for one in imported.values()
        ]
        click.echo(json.dumps({"format": chosen, "imported": found}, indent=2))
        return
    for name, one in imported.items():
        for line in one.left_out:
            click.echo(f"Left out: {line}", err=True)
        for note in one.notes:
            click.echo(f"Note: {note}", err=True)
        if one.service is not None:
            counts = f"{len(one.service.suffixes)} suffixes, {len(one.service.names)} names"
            exceptions = f"{len(one.service.never)} exceptions; {len(one.left_out)} left out"
            click.echo(f"{name} ({chosen}): {counts}, {exceptions}", err=True)
    if not given_regions:
        click.echo(
            "Note: lists have no regions, so the service has all regions; "
            "choose some with --region R",
            err=True,
        )


def _plain(service: Service | None) -> dict[str, object] | None:
    return None if service is None else asdict(service)


def _target(name: str, output: Path | None, *, force: bool) -> Path | None:
    target = output / f"{name}.toml" if output is not None and output.is_dir() else output
    if target is not None and target.exists() and not force:
        raise click.ClickException(f"{target} exists; overwrite it with --force")
    return target


def _write(target: Path | None, text: str, *, as_json: bool) -> None:
    if target is None:
        if not as_json:
            click.echo(text, nl=False)
        return
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{target} cannot be written ({error.strerror})") from None
