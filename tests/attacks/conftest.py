"""The registry that the attacks are played on: a real process, on loopback."""

from tests.registry.web.conftest import (
    postgresql_registry,
    sqlite_registry,
    start_registry,
    visitor,
    visitor_on_each,
)

__all__ = [
    "postgresql_registry",
    "sqlite_registry",
    "start_registry",
    "visitor",
    "visitor_on_each",
]
