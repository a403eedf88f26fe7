"""The database: engine, sessions, and the schema's version.

An action takes a Session and never commits; whoever calls it says where the transaction ends:

    with sessions.begin() as session:
        register_address(session, …)

On SQLite such a transaction holds the one write lock from its start (BEGIN IMMEDIATE), so two
never meet halfway; what only reads uses `make_readers`.
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, Insert, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from registry.models import Base

BUSY_TIMEOUT_MS = 10_000
PRAGMAS = (
    "journal_mode=WAL",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
    "synchronous=NORMAL",
    "secure_delete=ON",  # deleted rows are overwritten with zeros
)
EMPTY_ATTEMPTS, EMPTY_RETRY_S = 50, 0.1
UPGRADE_LOCK = 0x6D65646961  # of PostgreSQL's advisory locks; any number that is always the same
_DRIVERS = {
    "sqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class DatabaseUnready(Exception):  # noqa: N818  # a state, with what mends it
    """The database cannot be used as it is; the text says what to do."""


def parse_url(given: str) -> URL:
    """Read sqlite:///PATH or postgresql://…; ValueError, without the text, for anything else."""
    try:
        url = make_url(given)
    except ArgumentError:
        raise ValueError("takes sqlite:///PATH or postgresql://USER@HOST/NAME") from None
    if url.drivername not in _DRIVERS or (url.drivername == "sqlite" and not url.database):
        raise ValueError("takes sqlite:///PATH or postgresql://USER@HOST/NAME")
    return url.set(drivername=_DRIVERS[url.drivername])


def make_engine(given: str, *, foreign_keys: bool = True) -> Engine:
    """Open a database, without connecting yet; a SQLite file is made for the owner's eyes only."""
    url = parse_url(given)
    if url.get_backend_name() == "postgresql":
        # Errors would carry parameters: addresses and e-mails.
        return create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=10)
    _make_private_file(_sqlite_path(url))
    engine = create_engine(url, hide_parameters=True)
    pragmas = (*PRAGMAS, f"foreign_keys={'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
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
    """Sessions that change something."""
    return sessionmaker(engine, expire_on_commit=False)


def make_readers(engine: Engine) -> sessionmaker[Session]:
    """Sessions that change nothing and wait for nobody."""
    return sessionmaker(engine.execution_options(only_reads=True), expire_on_commit=False)


def insert_unless_present(session: Session, model: type[Base]) -> Insert:
    """INSERT … ON CONFLICT DO NOTHING: a collision leaves no key in PostgreSQL's log."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(model).on_conflict_do_nothing()
    return sqlite_insert(model).on_conflict_do_nothing()


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


def overwrite_deleted(engine: Engine) -> bool:
    """Let nothing of deleted rows remain in the database's files; False if it was busy.

    On SQLite the rows are zeros already (secure_delete), but the write-ahead log has older pages.
    On PostgreSQL dead rows are freed; its own log goes as its settings say.
    """
    if engine.dialect.name == "sqlite":
        for _ in range(EMPTY_ATTEMPTS):
            if empty_log(engine):
                return True
            time.sleep(EMPTY_RETRY_S)
        return False
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM {', '.join(Base.metadata.tables)}"))
    return True


def empty_log(engine: Engine) -> bool:
    """Empty SQLite's write-ahead log, unless somebody is using it; elsewhere do nothing."""
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        busy: int = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return not busy


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", "registry:migrations")
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
    path = _sqlite_path(engine.url)
    lock_file = path.with_name(f"{path.name}.upgrade-lock")
    _make_private_file(lock_file)
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _copied_before(engine: Engine) -> Iterator[None]:
    if engine.dialect.name != "sqlite":
        yield
        return
    path = _sqlite_path(engine.url)
    copy = _copy_of(engine)
    _make_private_file(copy)
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
    path = _sqlite_path(engine.url)
    return path.with_name(f"{path.name}.before-upgrade")


def _check_foreign_keys(connection: Connection) -> None:
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise DatabaseUnready("the upgrade would have left rows without their account")


def _sqlite_path(url: URL) -> Path:
    return Path(url.database or "")


def _make_private_file(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise DatabaseUnready(
            f"the database file {path} cannot be used ({error.strerror}): "
            "check its folder, or name another with MEDIASTREAMER_DATABASE_URL"
        ) from None
