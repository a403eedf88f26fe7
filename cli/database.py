"""`mediastreamer database`: upgrade, back up and restore."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import click

from cli.progress import progress
from cli.registry_access import one_line_errors, open_registry
from cli.state import State, json_option, state_option

file_argument = click.argument(
    "file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True)
)


@click.group()
def database() -> None:
    """Upgrade, back up and restore the database."""


@database.command()
@state_option
def upgrade(state: State) -> None:
    """Upgrade the schema to this version; create the database if there is none."""
    from registry.database.schema import upgrade as upgrade_database
    from registry.settings import read_settings

    state.prepare()
    with one_line_errors():
        changed = upgrade_database(read_settings(state.configuration()).database_url)
    click.echo("The schema was upgraded." if changed else "The schema is up to date.")


@database.command()
@file_argument
@state_option
def backup(state: State, file: Path) -> None:
    """Write everything to FILE (0600), or to standard output for "-".

    A backup still contains accounts that are deleted later, so do not keep it longer than needed.
    """
    from registry.backup import write_backup

    with open_registry(state) as registry, _private(file) as stream:
        count = write_backup(registry.engine, stream)
    click.echo(f"{count} rows written.", err=True)


@contextlib.contextmanager
def _private(file: Path) -> Iterator[TextIO]:
    if str(file) == "-":
        yield sys.stdout
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(
            f"{file}: cannot be created ({error.strerror}); choose a new file in your own folder"
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        yield stream


@database.command()
@click.argument(
    "file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
@state_option
@click.option("--yes", is_flag=True, help="Replace the accounts that the database has.")
@json_option
def restore(state: State, file: str, *, yes: bool, as_json: bool) -> None:
    """Restore a backup in one transaction; then the whole allowlist is published again."""
    from registry.backup import BackupRefused, restore_backup

    with click.open_file(file, encoding="utf-8", errors="replace") as stream:
        lines = stream.readlines()
    with (
        open_registry(state) as registry,
        progress(len(lines), "Restoring") as bar,
    ):
        try:
            count = restore_backup(registry.engine, lines, replacing=yes, advance=bar.update)
        except BackupRefused as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(json.dumps({"rows": count}) if as_json else f"{count} rows restored.")
