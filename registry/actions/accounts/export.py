"""Everything that is held about an account, made from the schema: a new column cannot be missed."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, select
from sqlalchemy.orm import Session

from registry.actions.find_account import lock_account
from registry.models import Account, Base

Json = dict[str, list[dict[str, Any]]]


def export_account(session: Session, account_id: int) -> Json:
    """Give each table's rows about the account, column by column.

    Hashes of secrets are said to be there and not shown: who reads an export over somebody's
    shoulder must not be able to try passwords.
    """
    lock_account(session, account_id)
    return {
        table.name: [
            {column.name: _shown(column, value) for column, value in zip(table.c, row, strict=True)}
            for row in session.execute(select(table).where(condition).order_by(*table.primary_key))
        ]
        for table, condition in tables_about(account_id)
    }


def tables_about(account_id: int) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Tables that reach an account through foreign keys, each with the rows that are its own."""
    account = Base.metadata.tables[Account.__tablename__]
    found: dict[Table, ColumnElement[bool]] = {account: account.c.id == account_id}
    for table in Base.metadata.sorted_tables:  # parents before children
        for key in table.foreign_keys:
            parent = key.column.table
            if parent in found:
                found[table] = key.parent.in_(select(key.column).where(found[parent]))
    yield from found.items()


def stored_fields() -> list[tuple[str, str, str]]:
    """Table, column and what it holds, for everything that the database stores."""
    tables = Base.metadata.sorted_tables
    return [(table.name, column.name, column.doc or "") for table in tables for column in table.c]


def _shown(column: Column[Any], value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    return "(kept, not shown)" if column.info.get("secret") else str(value)
