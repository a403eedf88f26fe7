import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registry import database
from registry.database import (
    DatabaseUnready,
    empty_log,
    make_engine,
    make_readers,
    make_sessions,
    overwrite_deleted,
    require_current_schema,
    schema_is_current,
    upgrade,
)
from registry.models import Account, Base, PublishedHead, Slot, SlotKind


def test_migrations_make_the_schema_of_the_models(database_url: str) -> None:
    """After all migrations a comparison with the models finds no difference."""
    assert upgrade(database_url)
    engine = make_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    with make_readers(engine)() as session:
        assert session.get(PublishedHead, 1) is not None
    engine.dispose()


def test_second_upgrade_does_nothing(database_url: str) -> None:
    """Upgrading a current schema changes nothing and says so."""
    assert upgrade(database_url)
    assert not upgrade(database_url)


def test_parallel_upgrades_take_turns(database_url: str) -> None:
    """Of four processes that start at once, one upgrades and the others find it done."""
    outcomes: list[bool] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(upgrade(database_url))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, False, True]


def test_missing_schema_is_refused_with_the_command(database_url: str) -> None:
    """An empty database is refused, and the refusal names the command that mends it."""
    engine = make_engine(database_url)
    with pytest.raises(DatabaseUnready, match="mediastreamer database upgrade"):
        require_current_schema(engine)
    upgrade(database_url)
    require_current_schema(engine)
    engine.dispose()


def test_later_schema_is_refused(database_url: str) -> None:
    """A database of a later version is refused and left alone."""
    upgrade(database_url)
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnready, match="later version"):
        schema_is_current(engine)
    engine.dispose()


def test_unreachable_server_is_one_line() -> None:
    """No PostgreSQL at the address: one line that names the setting."""
    engine = make_engine("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnready, match="MEDIASTREAMER_DATABASE_URL"):
        schema_is_current(engine)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://", ""])
def test_other_databases_are_refused(url: str) -> None:
    """Anything but a SQLite file or PostgreSQL is refused without showing the URL."""
    with pytest.raises(ValueError, match="takes sqlite"):
        make_engine(url)


def test_sqlite_file_is_private_and_kept_clean(tmp_path: Path) -> None:
    """The file is 0600 in a 0700 folder, with the pragmas that safety and privacy need."""
    path = tmp_path / "state" / "registry.sqlite"
    upgrade(f"sqlite:///{path}")
    engine = make_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "secure_delete", "synchronous")
        }
    engine.dispose()
    assert pragmas == {
        "journal_mode": "wal",
        "foreign_keys": 1,
        "secure_delete": 1,
        "synchronous": 1,
    }
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0 or file.stat().st_size == 0


def test_failed_upgrade_takes_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a migration fails halfway, the schema is as before and a copy from before is there."""
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"

    def fail(_connection: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(database, "_check_foreign_keys", fail)
    with pytest.raises(DatabaseUnready, match=r"registry\.sqlite\.before-upgrade"):
        upgrade(url)
    monkeypatch.undo()
    with sqlite3.connect(tmp_path / "registry.sqlite") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    connection.close()
    assert upgrade(url)
    assert not (tmp_path / "registry.sqlite.before-upgrade").exists()


def test_a_copy_that_a_killed_upgrade_left_goes_with_the_next_start(tmp_path: Path) -> None:
    """It would keep for ever what is deleted later."""
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    upgrade(url)
    copy = tmp_path / "registry.sqlite.before-upgrade"
    copy.write_text("addresses")
    assert not upgrade(url)
    assert not copy.exists()


def test_errors_show_no_parameters(database_url: str) -> None:
    """An error of the database carries neither e-mail nor other parameters of ours."""
    upgrade(database_url)
    engine = make_engine(database_url)
    with pytest.raises(IntegrityError) as caught, make_sessions(engine).begin() as session:
        session.add(Account(email="canary@example.com", password=None, fs_uniquifier=None))
    assert "SQL parameters hidden" in str(caught.value)
    engine.dispose()


def test_deleting_an_account_takes_its_rows(database_url: str) -> None:
    """The database itself removes an account's slots, whoever deletes it."""
    upgrade(database_url)
    engine = make_engine(database_url)
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        account = Account(email="a@example.com", fs_uniquifier="1")
        account.slots.append(Slot(number=1, kind=SlotKind.PAGE))
        session.add(account)
    with sessions.begin() as session:
        session.execute(text("DELETE FROM account"))
        assert session.query(Slot).count() == 0
    engine.dispose()


def test_replaced_values_leave_the_files(tmp_path: Path) -> None:
    """What a row held before is in no file once the log is emptied, also while others read."""
    path = tmp_path / "registry.sqlite"
    upgrade(f"sqlite:///{path}")
    engine = make_engine(f"sqlite:///{path}")
    sessions = make_sessions(engine)
    with sessions.begin() as session:
        session.add(Account(email="canary@example.com", fs_uniquifier="1"))
    with sessions.begin() as session:
        session.execute(text("UPDATE account SET email = 'other@example.com'"))
    assert b"canary" in octets(path)
    with make_readers(engine)() as reading:
        assert reading.query(Account).count() == 1
        assert not empty_log(engine), "a reader still sees the log"
    assert overwrite_deleted(engine)
    assert b"canary" not in octets(path)
    engine.dispose()


def octets(path: Path) -> bytes:
    """All that the database's files hold."""
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
