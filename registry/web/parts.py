"""What the pages work with, put together once at start."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from flask import Flask, current_app
from flask_login import current_user
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.addresses.rules import AddressRules
from registry.mailer import Mailer
from registry.settings import RegistrySettings
from registry.web.seal import Seal
from registry.web.visitors import Visitor
from zones.catalog import Catalog

_NAME = "mediastreamer"


@dataclass(frozen=True, slots=True)
class Parts:
    """One application's parts."""

    settings: RegistrySettings
    catalog: Catalog
    rules: AddressRules
    sessions: sessionmaker[Session] = field(repr=False)
    """Of transactions that change something."""
    readers: sessionmaker[Session] = field(repr=False)
    seal: Seal = field(repr=False)
    sweep_soon: Callable[[], None]
    """Asks that nothing of deleted rows remain in the database's files."""
    publishing_waits: Callable[[], bool]
    """Says whether changes are kept but do not reach the DNS servers at the moment."""
    mailer: Mailer | None = None

    def attach(self, app: Flask) -> None:
        """Let the pages of `app` find them."""
        app.extensions[_NAME] = self


def parts() -> Parts:
    """Parts of the application that answers the current request."""
    return cast("Parts", current_app.extensions[_NAME])


def visitor() -> Visitor:
    """Whoever is signed in; only where signing in is required."""
    return cast("Visitor", current_user)
