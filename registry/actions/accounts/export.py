"""Everything stored about an account, derived from the schema, so a new column is included."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, select
from sqlalchemy.orm import Session

from registry.actions.find_account import lock_account
from registry.models import Account, Base

Json = dict[str, list[dict[str, Any]]]


def export_account(session: Session, account_id: int) -> Json:
    """Give the rows about the account: table -> rows, each column -> value.

    Hashes of secrets are not shown, only that there is one. Otherwise a stranger who gets hold of
    an export could try passwords against the hash.
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
    """Give the tables that refer to an account, each with the condition for this account's rows."""
    account = Base.metadata.tables[Account.__tablename__]
    found: dict[Table, ColumnElement[bool]] = {account: account.c.id == account_id}
    for table in Base.metadata.sorted_tables:  # parents before children
        for key in table.foreign_keys:
            parent = key.column.table
            if parent in found:
                found[table] = key.parent.in_(select(key.column).where(found[parent]))
    yield from found.items()


def stored_fields() -> list[tuple[str, str, str]]:
    """Give table, column and description of everything that the database stores."""
    tables = Base.metadata.sorted_tables
    return [(table.name, column.name, column.doc or "") for table in tables for column in table.c]


def _shown(column: Column[Any], value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    return "(stored, not shown)" if column.info.get("secret") else str(value)
