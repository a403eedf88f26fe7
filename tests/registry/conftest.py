"""A database with the current schema and no rows, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, delete, update
from sqlalchemy.orm import Session, sessionmaker

from registry.database.engine import make_engine, make_sessions
from registry.database.schema import upgrade
from registry.models import Base, PublishedHead
from tests.registry.databases import create_postgresql_database
from zones.catalog import Catalog
from zones.load import load_catalog


@pytest.fixture(scope="session")
def sqlite_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One SQLite file for all tests that leave its schema alone."""
    path = tmp_path_factory.mktemp("registry") / "registry.sqlite"
    upgrade(f"sqlite:///{path}")
    engine = make_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def postgresql_engine(postgresql_server: str) -> Iterator[Engine]:
    """One PostgreSQL database for all tests that leave its schema alone."""
    with create_postgresql_database(postgresql_server) as url:
        upgrade(url)
        engine = make_engine(url)
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.processes)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Database without rows, once of each kind."""
    engine: Engine = request.getfixturevalue(f"{request.param}_engine")
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != PublishedHead.__tablename__:
                connection.execute(delete(table))
        connection.execute(update(PublishedHead).values(epoch=0, position=0, last_choice=0))
    return engine


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    """Changing sessions of that database."""
    return make_sessions(engine)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The built-in catalogue."""
    return load_catalog()
