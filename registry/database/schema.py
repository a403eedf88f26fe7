"""The schema's version, and how it comes to this one."""

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from registry.database.engine import DatabaseUnready, make_engine, make_private_file, sqlite_path

UPGRADE_LOCK = 0x6D65646961  # of PostgreSQL's advisory locks; any number that is always the same


def schema_is_current(engine: Engine) -> bool:
    """Say whether the schema is the one of this version; DatabaseUnready if it is a later one."""
    with _connected(engine) as connection:
        heads = MigrationContext.configure(connection).get_current_heads()
    scripts = ScriptDirectory.from_config(_alembic())
    known = {script.revision for script in scripts.walk_revisions()}
    if not known.issuperset(heads):
        raise DatabaseUnready(
            "the database was made by a later version of MediaStreamer: install that version"
        )
    return set(heads) == set(scripts.get_heads())


def require_current_schema(engine: Engine) -> None:
    """Refuse an old schema with the command that mends it."""
    if not schema_is_current(engine):
        raise DatabaseUnready(
            "the database's schema is old or missing: run `mediastreamer database upgrade`"
        )


def upgrade(given: str) -> bool:
    """Bring the schema to this version, one process at a time; say whether it had to.

    A SQLite file is copied before and the copy removed afterwards, for it would keep what is
    deleted later; if the upgrade fails the copy is still there, and the error says where.
    """
    # With foreign keys on, SQLite deletes a table's children when a batch migration replaces it.
    engine = make_engine(given, foreign_keys=False)
    try:
        with _upgrade_lock(engine):
            if schema_is_current(engine):
                if engine.dialect.name == "sqlite":  # one that was killed after its commit
                    _copy_of(engine).unlink(missing_ok=True)
                return False
            with _copied_before(engine), _connected(engine) as connection, connection.begin():
                config = _alembic()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                if engine.dialect.name == "sqlite":
                    _check_foreign_keys(connection)
            return True
    finally:
        engine.dispose()


def schema_revision(connection: Connection) -> str | None:
    """Revision of the schema that is there; None: no schema."""
    return MigrationContext.configure(connection).get_current_revision()


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", "registry.database:migrations")
    return config


@contextlib.contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    """Connect, or say in one line that the database is not there."""
    try:
        connection = engine.connect()
    except DBAPIError as error:
        raise DatabaseUnready(
            f"the database cannot be opened ({type(error.orig).__name__}): "
            "check MEDIASTREAMER_DATABASE_URL and that the server runs"
        ) from None
    with connection:
        yield connection


@contextlib.contextmanager
def _upgrade_lock(engine: Engine) -> Iterator[None]:
    if engine.dialect.name == "postgresql":
        with _connected(engine) as connection:
            connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": UPGRADE_LOCK})
            yield  # the lock ends with the connection's session
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
            f"the upgrade failed ({type(error).__name__}) and was taken back; "
            f"a copy from before it is {copy}"
        ) from error
    copy.unlink()


def _copy_of(engine: Engine) -> Path:
    path = sqlite_path(engine.url)
    return path.with_name(f"{path.name}.before-upgrade")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise DatabaseUnready("the upgrade would have left rows without their account")
