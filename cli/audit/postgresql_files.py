"""PostgreSQL's files: dead rows and the write-ahead log still contain what was deleted."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from cli.audit.canaries import Needles
from cli.audit.report import AuditReport

_FORGET_LOG = (
    "ALTER SYSTEM SET wal_recycle = off; ALTER SYSTEM SET wal_keep_size = 0; then once "
    "SELECT pg_reload_conf(), pg_switch_wal() and CHECKPOINT; a low checkpoint_timeout and "
    "max_wal_size limit how long it keeps what was deleted"
)
_KINDS = {
    "write-ahead log": (("pg_wal",), _FORGET_LOG),
    "tables and indexes": (
        ("base", "pg_tblspc"),
        "VACUUM FULL rewrites them without what was deleted",
    ),
}
"""Kind of file -> its folders, and what makes it keep deleted data for less time."""
_CHUNK = (1 << 20) - 4096
_OVERLAP = 4096
"""Longer than any form of a canary; chunk and overlap are searched for digests as octets, too."""


def search_data_directory(
    report: AuditReport, needles: Needles, engine: Engine, since: float
) -> None:
    """Search what the server has written since `since` (Unix time), if we can read its files."""
    with engine.connect() as connection:
        folder = _data_directory(connection)
        if folder is None:
            report.unseen(
                "PostgreSQL: dead rows, write-ahead log",
                "its files cannot be read from here. Deleted data stays in them until VACUUM and "
                "until the log is removed. Run the audit on its machine as root, with a database "
                "user in pg_monitor; see docs/privacy.md",
            )
            return
        if connection.scalar(text("SHOW wal_compression")) != "off":
            report.unseen(
                "PostgreSQL: whole pages in its write-ahead log",
                "compressed: ALTER SYSTEM SET wal_compression = off; SELECT pg_reload_conf()",
            )
    _write_out(report, engine)
    for kind, (names, cure) in _KINDS.items():
        found, searched = set[str](), 0
        for path in _changed_files([folder / name for name in names], since):
            try:
                found.update(form for part in chunks_of(path) for form in needles.find(part))
                searched += 1
            except FileNotFoundError:
                continue  # the server has removed it meanwhile
            except OSError as error:
                report.unseen(f"PostgreSQL: {path}", os.strerror(error.errno or 0))
        report.add(
            f"PostgreSQL: {kind}, {searched} files that changed meanwhile", sorted(found), cure
        )


def chunks_of(path: Path) -> Iterator[bytes]:
    """Give a file in overlapping parts, without those that contain only zeros."""
    before = b""
    with path.open("rb") as file:
        while read := file.read(_CHUNK):
            part = before + read
            if part.count(0) < len(part):
                yield part
            before = part[-_OVERLAP:]


def _data_directory(connection: Connection) -> Path | None:
    """Ask the server for its folder; None if it may not say, or if we cannot read its files."""
    try:
        folder = Path(str(connection.scalar(text("SHOW data_directory"))))
        identity = connection.scalar(text("SELECT system_identifier FROM pg_control_system()"))
        with (folder / "global" / "pg_control").open("rb") as file:
            written = file.read(8)
        next((folder / "pg_wal").iterdir(), None)
    except SQLAlchemyError:
        connection.rollback()
        return None
    except OSError:
        return None
    if not isinstance(identity, int):
        return None
    known = (identity % (1 << 64)).to_bytes(8, sys.byteorder)
    return folder if written == known else None


def _write_out(report: AuditReport, engine: Engine) -> None:
    """Make the server write what is only in its memory, so that the files contain it."""
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("CHECKPOINT"))
    except SQLAlchemyError:
        report.unseen(
            "PostgreSQL: pages that it has not yet written",
            "the database user of the audit may not CHECKPOINT: GRANT pg_checkpoint to it",
        )


def _changed_files(folders: list[Path], since: float) -> Iterator[Path]:
    """Give all changed files below the folders, including tablespaces behind links."""
    for folder in folders:
        for where, _, names in os.walk(folder, followlinks=True):
            for path in (Path(where, name) for name in names):
                try:
                    if path.stat().st_mtime >= since:
                        yield path
                except OSError:
                    continue  # the server has removed it meanwhile
