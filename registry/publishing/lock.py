"""The lock that lets one process publish at a time; it ends when its process dies."""

import contextlib
import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, text

from registry.database.engine import make_private_file

ADVISORY_LOCK = 0x7075626C697368  # PostgreSQL advisory lock; the number must stay the same
_RETRY_S = 0.05


@contextlib.contextmanager
def publishing_lock(engine: Engine, wait_s: float = 0.0) -> Iterator[bool]:
    """Try for up to `wait_s` seconds to take the lock; yields whether we have it.

    PostgreSQL: an advisory lock, which ends with its connection. SQLite: flock on a file next to
    the database, which ends with its process.
    """
    deadline = time.monotonic() + wait_s
    attempt = _on_postgresql if engine.dialect.name == "postgresql" else _on_sqlite
    with contextlib.ExitStack() as stack:
        locked = stack.enter_context(attempt(engine))
        while not locked and time.monotonic() < deadline:
            stack.close()
            time.sleep(_RETRY_S)
            locked = stack.enter_context(attempt(engine))
        yield locked


@contextlib.contextmanager
def _on_postgresql(engine: Engine) -> Iterator[bool]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        lock = {"lock": ADVISORY_LOCK}
        locked = connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), lock).scalar_one()
        try:
            yield locked
        finally:
            if locked:
                # Otherwise the connection would go back to the pool with the lock.
                connection.execute(text("SELECT pg_advisory_unlock(:lock)"), lock)


@contextlib.contextmanager
def _on_sqlite(engine: Engine) -> Iterator[bool]:
    database = Path(str(engine.url.database))
    lock_file = database.with_name(f"{database.name}.publishing-lock")
    make_private_file(lock_file)
    with lock_file.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True  # closing the file releases it
