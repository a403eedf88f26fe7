"""The version of the schema, and upgrading it."""

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from registry.database.engine import DatabaseUnready, make_engine, make_private_file, sqlite_path

UPGRADE_LOCK = 0x6D65646961  # PostgreSQL advisory lock; the number must only stay the same


def schema_is_current(engine: Engine) -> bool:
    """Say whether the schema has this version; raise DatabaseUnready if it has a later one."""
    with _connected(engine) as connection:
        revision = schema_revision(connection)
    known = revisions()
    if revision not in {None, *known}:
        raise DatabaseUnready(
            "a later version of MediaStreamer has upgraded the database: install that version"
        )
    return revision == known[-1]


def revisions() -> list[str]:
    """Give the revisions that this version knows, the newest last: each has a file of its number.

    Every start asks for them, so this does without Alembic, which takes 9 MiB and a tenth of a
    second to load.
    """
    folder = Path(__file__).parent / "migrations" / "versions"
    return sorted(path.name[1:5] for path in folder.glob("v????_*.py"))


def require_current_schema(engine: Engine) -> None:
    """Raise DatabaseUnready for an old schema; the text names the command that upgrades it."""
    if not schema_is_current(engine):
        raise DatabaseUnready(
            "the database's schema is old or missing: run `mediastreamer database upgrade`"
        )


def upgrade(given: str) -> bool:
    """Upgrade the schema to this version, one process at a time; say whether it was necessary.

    A SQLite file is copied first. After a successful upgrade the copy is removed, because it would
    still contain rows that are deleted later; after a failed one the error says where it is.
    """
    # With foreign keys on, SQLite deletes child rows when a batch migration replaces the parent.
    engine = make_engine(given, foreign_keys=False)
    try:
        with _upgrade_lock(engine):
            if schema_is_current(engine):
                if engine.dialect.name == "sqlite":  # an upgrade was killed after its commit
                    _copy_of(engine).unlink(missing_ok=True)
                return False
            with _copied_before(engine), _connected(engine) as connection, connection.begin():
                _run_migrations(connection)
                if engine.dialect.name == "sqlite":
                    _check_foreign_keys(connection)
            return True
    finally:
        engine.dispose()


def schema_revision(connection: Connection) -> str | None:
    """Give the revision of the database's schema; None: it has no schema."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _run_migrations(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see `revisions`
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "registry.database:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextlib.contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    """Connect, or raise DatabaseUnready, whose text is one line."""
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise DatabaseUnready(
            f"the database cannot be opened ({type(error.orig).__name__}): "
            "check MEDIASTREAMER_DATABASE_URL, and that the server is running"
        ) from None
    with connection:
        yield connection


@contextlib.contextmanager
def _upgrade_lock(engine: Engine) -> Iterator[None]:
    if engine.dialect.name == "postgresql":
        with _connected(engine) as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": UPGRADE_LOCK})
            yield  # if the process dies, the lock ends with its connection
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": UPGRADE_LOCK})
        return
    path = sqlite_path(engine.url)
    lock_file = path.with_name(f"{path.name}.upgrade-lock")
    make_private_file(lock_file)
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _copied_before(engine: Engine) -> Iterator[None]:
    if engine.dialect.name != "sqlite":
        yield
        return
    path = sqlite_path(engine.url)
    copy = _copy_of(engine)
    make_private_file(copy)
    with (
        contextlib.closing(sqlite3.connect(path)) as source,
        contextlib.closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    try:
        yield
    except Exception as error:
        raise DatabaseUnready(
            f"the upgrade failed ({type(error).__name__}) and was rolled back; "
            f"{copy} is a copy of the database from before"
        ) from error
    copy.unlink()


def _copy_of(engine: Engine) -> Path:
    path = sqlite_path(engine.url)
    return path.with_name(f"{path.name}.before-upgrade")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise DatabaseUnready("after the upgrade some rows would belong to no account")
