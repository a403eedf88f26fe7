"""A database with the real schema, and households in it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from registry.database import make_engine, upgrade
from tests.registry.publishing.households import Households


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The registry's database, once on SQLite and once on PostgreSQL."""
    upgrade(database_url)
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def households(engine: Engine) -> Households:
    """No households yet."""
    return Households(engine)
