"""What is held about an account: listed, exported and deleted, all by the schema."""

import datetime
import json
from pathlib import Path

import pytest
from sqlalchemy import Boolean, Date, Integer, String, select
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.adding import add_account
from registry.actions.accounts.export import export_account, stored_fields, tables_about
from registry.actions.accounts.lifecycle import delete_account
from registry.actions.addresses.registering import register_address
from registry.actions.addresses.rules import AddressRules
from registry.actions.preferences import choose_service_region
from registry.actions.updaters.tokens import issue_token
from registry.database.engine import make_engine, make_sessions
from registry.database.erasure import empty_log, overwrite_deleted
from registry.database.schema import upgrade
from registry.models import Account, Base, BrowserSession, PendingNetwork, PublishedHead, SpentSeal
from registry.publishing.drain import drain
from registry.publishing.rebuild import rebuild
from smartdns.contract.addresses import parse_address
from tests.peers.redis_server import RedisServer
from zones.catalog import Catalog

TODAY = datetime.date(2030, 6, 1)
PUBLISHING = {
    *(PendingNetwork.__tablename__, PublishedHead.__tablename__),
    SpentSeal.__tablename__,  # random numbers, which name nobody
}
FIELDS = Path(__file__).parents[4] / "docs" / "stored-fields.md"


def fill(session: Session, email: str, address: str, catalog: Catalog) -> int:
    """Make an account with something in every table that is about people."""
    account = add_account(session, email, None, catalog=catalog, region="us")
    register_address(session, account, parse_address(address), rules=AddressRules())
    issue_token(session, account, f"label of {email}", limit=5)
    choose_service_region(session, account, "netflix", "off", catalog=catalog)
    session.add(BrowserSession(id_hash=email, account_id=account, last_day=TODAY))
    session.flush()
    return account


def test_export_has_every_column_of_every_table(
    sessions: sessionmaker[Session], catalog: Catalog
) -> None:
    """A column that somebody adds is in the export without anybody thinking of it."""
    with sessions.begin() as session:
        fill(session, "other@example.com", "9.9.9.9", catalog)
        export = export_account(session, fill(session, "anna@example.com", "8.8.8.8", catalog))
    tables = {table.name: table for table in Base.metadata.sorted_tables}
    assert set(export) == set(tables) - PUBLISHING
    for name, rows in export.items():
        assert rows, f"nothing of {name}"
        for row in rows:
            assert set(row) == {column.name for column in tables[name].c}
    text = json.dumps(export)
    assert "8.8.8.8/32" in text
    assert "9.9.9.9" not in text
    assert "other@example.com" not in text
    assert export["account"][0]["fs_uniquifier"] == "(stored, not shown)"


def test_every_table_is_about_an_account_or_about_publishing() -> None:
    """No table of people's data is out of the reach of export and deletion."""
    about = {table.name for table, _ in tables_about(1)}
    assert about | PUBLISHING == {table.name for table in Base.metadata.sorted_tables}


def test_published_list_of_fields_is_the_schema() -> None:
    """The list in docs is complete, and no field can hold a time of day or a history."""
    lines = [f"| {table} | {column} | {doc} |" for table, column, doc in stored_fields()]
    assert all(doc for _, _, doc in stored_fields())
    written = FIELDS.read_text(encoding="utf-8")
    assert written.endswith("|---|---|---|\n" + "\n".join(lines) + "\n"), "\n".join(lines)
    kinds = {
        type(getattr(column.type, "impl", column.type))
        for table in Base.metadata.sorted_tables
        for column in table.c
    }
    assert kinds == {Integer, String, Boolean, Date}, "no moments, no text without a bound"


def test_deletion_leaves_only_what_waits_to_be_published(
    sessions: sessionmaker[Session], catalog: Catalog
) -> None:
    """Afterwards every table of people's data is empty of the account, and another's is whole."""
    with sessions.begin() as session:
        other = fill(session, "other@example.com", "9.9.9.9", catalog)
        before = export_account(session, other)
        gone = fill(session, "anna@example.com", "8.8.8.8", catalog)
        delete_account(session, gone)
    with sessions.begin() as session:
        assert export_account(session, other) == before
        for table, rows in tables_about(gone):
            assert session.execute(select(table).where(rows)).all() == []
        assert session.scalars(select(Account.id)).all() == [other]


@pytest.mark.parametrize("published", [False, True])
def test_nothing_is_left_in_the_sqlite_files(
    tmp_path: Path, catalog: Catalog, redis_server: RedisServer, *, published: bool
) -> None:
    """After deletion and publishing file, log and free pages hold nothing of the accounts."""
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    upgrade(url)
    engine = make_engine(url)
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        gone = [fill(session, f"canary{n}@example.com", f"8.31.73.{n}", catalog) for n in range(50)]
        fill(session, "stays@example.com", "9.9.9.9", catalog)
    with redis_server.client() as client:
        if published:
            rebuild(engine, client, TODAY)
            drain(engine, client, TODAY)
            empty_log(engine)
        assert b"canary42@example.com" in octets(tmp_path)
        with sessions.begin() as session:
            for account in gone:
                delete_account(session, account)
        rebuild(engine, client, TODAY)
        drain(engine, client, TODAY)
    assert overwrite_deleted(engine)
    left = octets(tmp_path)
    assert b"stays@example.com" in left
    assert b"canary" not in left
    assert b"8.31.73." not in left
    engine.dispose()


def octets(folder: Path) -> bytes:
    """All files of the database."""
    return b"".join(file.read_bytes() for file in folder.glob("registry.sqlite*"))
