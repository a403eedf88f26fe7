"""Opening the database, and making sessions."""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, Insert, create_engine, event, make_url
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from registry.database.url import DRIVERS, check_url, wrong_url
from registry.models import Base

BUSY_TIMEOUT_MS = 10_000
PRAGMAS = (
    "journal_mode=WAL",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    "synchronous=NORMAL",
    "secure_delete=ON",  # deleted rows are overwritten with zeros
)


class DatabaseUnready(Exception):  # noqa: N818  # a state, not a mistake
    """The database cannot be used in its present state; the text says what to do."""


def parse_url(given: str) -> URL:
    """Read sqlite:///PATH or postgresql://…, or raise ValueError without repeating the text."""
    check_url(given)
    try:
        url = make_url(given)
    except ArgumentError:
        raise wrong_url() from None
    return url.set(drivername=DRIVERS[url.drivername])


def make_engine(given: str, *, foreign_keys: bool = True) -> Engine:
    """Open a database without connecting yet; a new SQLite file is readable by its owner only."""
    url = parse_url(given)
    if url.get_backend_name() == "postgresql":
        # Without hide_parameters errors would contain addresses and e-mail addresses.
        return create_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_size=10, max_overflow=20
        )
    make_private_file(sqlite_path(url))
    engine = create_engine(url, hide_parameters=True, pool_size=10, max_overflow=20)
    pragmas = (*PRAGMAS, f"foreign_keys={'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("isolation_level") != "AUTOCOMMIT":
            only_reads = options.get("only_reads", False)
            connection.exec_driver_sql("BEGIN" if only_reads else "BEGIN IMMEDIATE")

    return engine


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Make sessions for transactions that write."""
    return sessionmaker(engine, expire_on_commit=False)


def make_readers(engine: Engine) -> sessionmaker[Session]:
    """Make sessions for transactions that only read, and so never wait for a lock."""
    return sessionmaker(engine.execution_options(only_reads=True), expire_on_commit=False)


def insert_unless_present(session: Session, model: type[Base]) -> Insert:
    """Give INSERT … ON CONFLICT DO NOTHING: PostgreSQL does not log the key of a collision."""
    if session.get_bind().dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 3 MiB that SQLite needs not

        return postgresql.insert(model).on_conflict_do_nothing()
    return sqlite_insert(model).on_conflict_do_nothing()


def sqlite_path(url: URL) -> Path:
    """Give the file of a SQLite database."""
    return Path(url.database or "")


def make_private_file(path: Path) -> None:
    """Make a file (0600) and its folder (0700) if they do not exist, or raise DatabaseUnready."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise DatabaseUnready(
            f"the database file {path} cannot be used ({error.strerror}): "
            "check its folder, or choose another file with MEDIASTREAMER_DATABASE_URL"
        ) from None
