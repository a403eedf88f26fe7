"""Access to the registry's database for commands; its errors become one line.

What opens it is loaded when a command runs: its help and the completion of its words need nothing.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.state import State
from smartdns.contract.addresses import Network, household_network, parse_address, parse_network
from zones.catalog import Catalog
from zones.load import load_catalog
from zones.problems import CatalogError

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session, sessionmaker

    from registry.settings import RegistrySettings


@dataclass(frozen=True)
class Registry:
    """The registry of one installation, for commands."""

    settings: "RegistrySettings"
    engine: "Engine"

    @cached_property
    def sessions(self) -> "sessionmaker[Session]":
        """Sessions for transactions that write."""
        from registry.database.engine import make_sessions

        return make_sessions(self.engine)

    @cached_property
    def readers(self) -> "sessionmaker[Session]":
        """Sessions for transactions that only read."""
        from registry.database.engine import make_readers

        return make_readers(self.engine)

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue, including the operator's own services."""
        return load_catalog(self.settings.zones)

    def network(self, text: str) -> Network:
        """Read a household's address or a network, or raise ValueError."""
        if "/" in text:
            return parse_network(text)
        return household_network(parse_address(text), self.settings.ipv6_prefix)


@contextlib.contextmanager
def open_registry(state: State) -> Iterator[Registry]:
    """Open the installation's database; errors of the registry end the command with one line."""
    from registry.database.engine import make_engine
    from registry.database.schema import require_current_schema
    from registry.settings import read_settings

    with one_line_errors():
        settings = read_settings(state.configuration())
        require_database_file(settings)
        engine = make_engine(settings.database_url)
        try:
            require_current_schema(engine)
            yield Registry(settings, engine)
        finally:
            engine.dispose()


def require_database_file(settings: "RegistrySettings") -> None:
    """Raise DatabaseUnready if the SQLite file does not exist, instead of creating an empty one."""
    from registry.database.engine import DatabaseUnready, parse_url

    url = parse_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise DatabaseUnready(
            f"there is no database {url.database}: choose the installation with --state DIR, "
            "or create the database with `mediastreamer database upgrade`"
        )


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors of the registry into click's one-line errors."""
    from sqlalchemy.exc import SQLAlchemyError

    from registry.actions.errors import ActionRefused
    from registry.database.engine import DatabaseUnready

    try:
        yield
    except (ActionRefused, DatabaseUnready, CatalogError) as error:
        raise click.ClickException(str(error)) from None
    except SQLAlchemyError as error:
        # Its text may contain data of rows.
        kind = type(getattr(error, "orig", error)).__name__
        raise click.ClickException(
            f"the database reported an error ({kind}); `mediastreamer doctor` may find the cause"
        ) from None
