"""PostgreSQL's log: by default it contains the row that violated a constraint."""

import secrets
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from cli.audit.canaries import Needles
from cli.audit.report import AuditReport
from registry.models import Account

_WANTED = {
    "log_statement": {"none"},
    "log_min_error_statement": {"panic"},
    "log_error_verbosity": {"terse"},
    "log_connections": {"off", ""},
    "log_disconnections": {"off"},
    "log_duration": {"off"},
    "log_min_duration_statement": {"-1"},
    "log_min_duration_sample": {"-1"},
    "log_transaction_sample_rate": {"0"},
    "log_parameter_max_length_on_error": {"0"},
}
"""Settings with which the log contains no rows, no statements and no times of use."""
_CURE = (
    "ALTER SYSTEM SET log_error_verbosity = terse; "
    "ALTER SYSTEM SET log_min_error_statement = panic; SELECT pg_reload_conf(); "
    "then delete the present log"
)
_MOST_READ = 64 << 20


def provoke_duplicate(engine: Engine, email: str) -> bool:
    """Try to add two accounts with one e-mail address; say whether the database refused it."""
    with engine.connect() as connection:
        try:
            for _ in range(2):
                row = {"email": email, "fs_uniquifier": secrets.token_hex(32)}
                connection.execute(insert(Account).values(row))
        except IntegrityError:
            return True
        finally:
            connection.rollback()
    return False


def search_log(report: AuditReport, needles: Needles, engine: Engine) -> None:
    """Check the server's settings for its log, and search the log if we can read it."""
    with engine.connect() as connection:
        query = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
        rows = connection.execute(query, {"names": [*_WANTED]})
        for name, setting in {row.name: row.setting for row in rows}.items():
            wrong = [] if setting in _WANTED[name] else [f"it is {setting!r}"]
            cure = f"ALTER SYSTEM SET {name} = {max(_WANTED[name])!r}; SELECT pg_reload_conf()"
            report.add(f"PostgreSQL: {name} logs no rows", wrong, cure)
        log = _log_of(connection)
    where = "PostgreSQL: its log, after it has refused a row"
    try:
        content = b"" if log is None else log.read_bytes()[-_MOST_READ:]
    except OSError:
        log = None
    if log is None:
        report.unseen(where, f"it cannot be read from here; its settings should be: {_CURE}")
    else:
        report.add(f"{where} ({log})", needles.find(content), _CURE)


def _log_of(connection: Connection) -> Path | None:
    """Give the log file: that of the log collector, or the server's standard error; or None."""
    with suppress(SQLAlchemyError):  # only pg_monitor may ask this
        asked = text("SELECT pg_current_logfile(), current_setting('data_directory')")
        name, folder = connection.execute(asked).one()
        if name is not None:
            return Path(folder, name)
    connection.rollback()
    process = Path(f"/proc/{connection.scalar(text('SELECT pg_backend_pid()'))}")
    try:  # if the server is on another machine, this process is a different one
        if (process / "comm").read_text(encoding="utf-8").strip() != "postgres":
            return None
        file = (process / "fd" / "2").readlink()
    except OSError:
        return None
    return file if file.is_file() else None
