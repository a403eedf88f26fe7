"""How commands reach the registry's database, and how its refusals become one line."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from cli.state import State
from registry.actions.errors import ActionRefused
from registry.database.engine import (
    DatabaseUnready,
    make_engine,
    make_readers,
    make_sessions,
    parse_url,
)
from registry.database.schema import require_current_schema
from registry.settings import RegistrySettings, read_settings
from smartdns.contract.addresses import Network, household_network, parse_address, parse_network
from zones.catalog import Catalog
from zones.load import load_catalog
from zones.problems import CatalogError

email_argument = click.argument("email", metavar="EMAIL")


@dataclass(frozen=True)
class Registry:
    """One installation's registry, as commands use it."""

    settings: RegistrySettings
    engine: Engine

    @cached_property
    def sessions(self) -> sessionmaker[Session]:
        """For what changes something."""
        return make_sessions(self.engine)

    @cached_property
    def readers(self) -> sessionmaker[Session]:
        """For what only looks."""
        return make_readers(self.engine)

    @cached_property
    def catalog(self) -> Catalog:
        """Services and regions, the operator's own included."""
        return load_catalog(self.settings.zones)

    def network(self, text: str) -> Network:
        """Read a household's address or a network; ValueError says what is taken."""
        if "/" in text:
            return parse_network(text)
        return household_network(parse_address(text), self.settings.ipv6_prefix)


@contextlib.contextmanager
def open_registry(state: State) -> Iterator[Registry]:
    """Open the installation's database; whatever is refused inside ends the command in one line."""
    with one_line_errors():
        settings = read_settings(state.configuration())
        require_database_file(settings)
        engine = make_engine(settings.database_url)
        try:
            require_current_schema(engine)
            yield Registry(settings, engine)
        finally:
            engine.dispose()


def require_database_file(settings: RegistrySettings) -> None:
    """Refuse a SQLite file that is not there, instead of making an empty one."""
    url = parse_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise DatabaseUnready(
            f"there is no database {url.database}: name the installation with --state DIR, "
            "or make it with `mediastreamer database upgrade`"
        )


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what the registry refuses, or cannot do, into click's one-line errors."""
    try:
        yield
    except (ActionRefused, DatabaseUnready, CatalogError) as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        # Its text may carry keys of rows.
        kind = type(getattr(error, "orig", error)).__name__
        raise click.ClickException(
            f"the database refused ({kind}); `mediastreamer doctor` may say why"
        ) from None
