"""A database with the real schema, and households in it."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from sqlalchemy import Engine
from twisted.internet.defer import gatherResults

from registry.database.engine import make_engine
from registry.database.schema import upgrade
from registry.publishing.publisher import Publisher
from tests.registry.publishing.households import TODAY, Households

PublisherOf = Callable[..., Publisher]


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


@pytest_twisted.async_yield_fixture
async def publisher_of() -> Any:
    """Give a function that starts a publisher."""
    started: list[Publisher] = []

    def start(engine: Engine, url: str, today: Callable[[], datetime.date] | None = None) -> Any:
        publisher = Publisher(engine, url, today or (lambda: TODAY))
        publisher.startService()
        started.append(publisher)
        return publisher

    yield start
    await gatherResults([publisher.stopService() for publisher in started])
