"""Backup and restore: the tables as JSON lines, the same for SQLite and PostgreSQL.

The first line has the format and the schema's revision, each further line a table and one row, and
the last line the number of rows. A backup still contains what is deleted after it was made.
"""

import datetime
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TextIO

from sqlalchemy import (
    Connection,
    Date,
    Engine,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from registry.database.engine import DatabaseUnready
from registry.database.erasure import overwrite_deleted
from registry.database.schema import schema_revision
from registry.models import Account, Base, PendingNetwork, PublishedHead
from registry.publishing.heads import skip_epochs_after_restore

FORMAT = "mediastreamer backup 1"
ROWS_PER_STATEMENT = 1000
_LEFT_OUT = frozenset({PendingNetwork.__tablename__})  # a restore publishes everything again


class BackupRefused(Exception):  # noqa: N818  # not a fault of the program
    """The file cannot be restored, or it would replace accounts of the database."""


def write_backup(engine: Engine, stream: TextIO) -> int:
    """Write all tables, as of one moment; give the number of rows."""
    count = 0
    with engine.execution_options(only_reads=True).connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        head = {"format": FORMAT, "revision": schema_revision(connection)}
        stream.write(json.dumps(head) + "\n")
        for table in _tables():
            for row in connection.execute(select(table)):
                stream.write(json.dumps([table.name, [_plain(value) for value in row]]) + "\n")
                count += 1
    stream.write(json.dumps({"rows": count}) + "\n")
    return count


def restore_backup(
    engine: Engine,
    lines: Iterable[str],
    *,
    replacing: bool = False,
    advance: Callable[[int], object] = lambda _count: None,
) -> int:
    """Replace the database's content with a backup, in one transaction; give the number of rows.

    The epoch becomes higher than any epoch before, so the whole allowlist is published again.
    `advance` is called with the number of rows of each batch. Raises BackupRefused, or
    DatabaseUnready if the backup has another schema.
    """
    reader = iter(lines)
    with engine.begin() as connection:
        _check_head(next(reader, ""), schema_revision(connection))
        if not replacing and connection.scalar(select(func.count()).select_from(Account)):
            raise BackupRefused("the database already has accounts: give --yes to replace them")
        epoch = connection.scalar(select(PublishedHead.epoch)) or 0
        for table in reversed(_tables()):
            connection.execute(delete(table))
        connection.execute(delete(PendingNetwork))
        count = 0
        for table, values in _batches(reader):
            connection.execute(insert(table), values)
            count += len(values)
            advance(len(values))
        newest = max(epoch, connection.scalar(select(PublishedHead.epoch)) or 0)
        connection.execute(update(PublishedHead).values(epoch=newest))
        skip_epochs_after_restore(Session(connection))
        _set_sequences(connection)
    overwrite_deleted(engine)
    return count


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in _LEFT_OUT]


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int) else str(value)


def _check_head(line: str, revision: str | None) -> None:
    try:
        head = json.loads(line)
    except json.JSONDecodeError:
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise BackupRefused("this is not a backup made by `mediastreamer database backup`")
    if head.get("revision") != revision:
        raise DatabaseUnready(
            f"the backup has schema {head.get('revision')}, the database has schema {revision}: "
            "restore the backup with the version of MediaStreamer that made it, then upgrade"
        )


def _batches(lines: Iterator[str]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Give batches of rows to insert, each of one table."""
    for table, rows in itertools.groupby(_rows(lines), key=lambda row: row[0]):
        while values := [row for _, row in itertools.islice(rows, ROWS_PER_STATEMENT)]:
            yield table, values


def _rows(lines: Iterator[str]) -> Iterator[tuple[Table, dict[str, Any]]]:
    tables = {table.name: table for table in _tables()}
    for count, line in enumerate(lines):
        try:
            row = _row(line, tables, count)
        except (ValueError, KeyError, TypeError):
            raise BackupRefused(f"line {count + 2} is damaged; nothing was restored") from None
        if row is None:
            return
        yield row
    raise BackupRefused("the backup's end is missing; nothing was restored")


def _row(line: str, tables: Mapping[str, Table], count: int) -> tuple[Table, dict[str, Any]] | None:
    """Read a table and a row; None for the last line, which must come after `count` rows."""
    match json.loads(line):
        case [str(name), [*cells]]:
            pairs = zip(tables[name].c, cells, strict=True)
            return tables[name], {c.name: _typed(c.type, cell) for c, cell in pairs}
        case {"rows": rows} if rows == count:
            return None
    raise ValueError


def _typed(kind: TypeEngine[Any], cell: Any) -> object:  # noqa: ANN401  # what JSON holds
    """Give a column's value from its form in the backup (`_plain`)."""
    is_day = isinstance(kind, Date) and cell is not None
    return datetime.date.fromisoformat(cell) if is_day else cell


def _set_sequences(connection: Connection) -> None:
    """Make PostgreSQL's sequences continue after the highest restored number."""
    if connection.dialect.name != "postgresql":
        return
    for table in _tables():
        if "id" in table.c and table.name != PublishedHead.__tablename__:
            sequence = func.pg_get_serial_sequence(table.name, "id")
            highest = select(func.coalesce(func.max(table.c.id), 0) + 1).scalar_subquery()
            connection.execute(select(func.setval(sequence, highest, False)))
