"""The catalogue that a command is about: the built-in one and the operator's folders."""

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
        help="Folder of services added to the built-in ones (repeatable) [default: the setting].",
    )(command)


def folders(state: State, directories: tuple[Path, ...]) -> tuple[Path, ...]:
    """Give the folders named on the command line, else those of the settings."""
    if directories:
        return directories
    none: tuple[str, ...] = ()
    return tuple(map(Path, state.configuration().get("zones", parse_words, none)))


def load(state: State, directories: tuple[Path, ...]) -> Catalog:
    """Load the catalogue; its faults end the command."""
    try:
        return load_catalog(folders(state, directories))
    except CatalogError as error:
        click.echo(str(error), err=True)
        raise SystemExit(1) from None
