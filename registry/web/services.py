"""What pages and sign-in use: settings, rules, database sessions and more, made once at start."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, current_app
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.addresses.rules import AddressRules
from registry.mailer import Mailer
from registry.settings import RegistrySettings
from registry.web.seal import Seal
from zones.catalog import Catalog

_NAME = "mediastreamer"


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages of one application use; streaming services are in its `catalog`."""

    settings: RegistrySettings
    catalog: Catalog
    rules: AddressRules
    sessions: sessionmaker[Session] = field(repr=False)
    """Sessions for transactions that write; `readers` only read."""
    readers: sessionmaker[Session] = field(repr=False)
    seal: Seal = field(repr=False)
    sweep_soon: Callable[[], None]
    """Erases deleted rows from the database's files soon; returns at once."""
    publishing_waits: Callable[[], bool]
    """Says whether changes are stored but do not reach the DNS servers at present."""
    mailer: Mailer | None = None

    def attach(self, app: Flask) -> None:
        """Make them available to the pages of `app`."""
        app.extensions[_NAME] = self


def services() -> Services:
    """Give the services of the application that answers the current request."""
    return cast("Services", current_app.extensions[_NAME])
