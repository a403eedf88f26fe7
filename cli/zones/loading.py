"""Loading the catalogue for commands: the built-in services and the operator's folders."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.state import State
from smartdns.contract.configuration import parse_words
from zones.catalog import Catalog
from zones.load import load_catalog
from zones.problems import CatalogError

F = TypeVar("F", bound=Callable[..., Any])


def zones_option(command: F) -> F:
    """Give a command `--zones DIR`; it is called with `directories`."""
    return click.option(
        "--zones",
        "directories",
        metavar="DIR",
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder with more services (repeatable) [default: the folders of the setting].",
    )(command)


def folders(state: State, directories: tuple[Path, ...]) -> tuple[Path, ...]:
    """Give the folders from the command line, otherwise those of the settings."""
    if directories:
        return directories
    none: tuple[str, ...] = ()
    return tuple(map(Path, state.configuration().get("zones", parse_words, none)))


def load(state: State, directories: tuple[Path, ...]) -> Catalog:
    """Load the catalogue; if it has faults, print them and end the command."""
    try:
        return load_catalog(folders(state, directories))
    except CatalogError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
