"""Removing deleted rows from the database's files."""

import time

from sqlalchemy import Engine, text

from registry.database.engine import BUSY_TIMEOUT_MS
from registry.models import Base

EMPTY_ATTEMPTS, EMPTY_RETRY_S = 50, 0.1


def overwrite_deleted(engine: Engine) -> bool:
    """Remove what is left of deleted rows in the database's files; False if SQLite was busy.

    SQLite has already overwritten the rows with zeros (secure_delete), but its write-ahead log
    still has older pages. PostgreSQL frees dead rows; how long its own write-ahead log lasts
    depends on its settings.
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
    """Empty SQLite's write-ahead log, unless it is in use; on PostgreSQL do nothing."""
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        busy: int = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return not busy
