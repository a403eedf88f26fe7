import stat
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from registry.database.engine import (
    make_engine,
    make_sessions,
)
from registry.database.schema import upgrade
from registry.models import Account, Slot, SlotKind


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
