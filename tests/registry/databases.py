"""Databases made for a while on a running PostgreSQL."""

import contextlib
import os
from collections.abc import Iterator

from sqlalchemy import create_engine, text


@contextlib.contextmanager
def create_postgresql_database(administrative: str) -> Iterator[str]:
    """Make an empty database, give its URL, and drop it again."""
    name = f"test_{os.urandom(6).hex()}"
    engine = create_engine(administrative, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    yield administrative.replace("/postgres?", f"/{name}?")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()
