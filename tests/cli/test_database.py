import sqlite3
import stat
from pathlib import Path

import pytest

from registry.backup import restore_backup, write_backup
from registry.database.engine import make_engine, make_sessions
from registry.database.schema import upgrade
from registry.models import Account, PublishedHead, Slot
from tests.cli.conftest import Run


def test_upgrade_says_what_it_did(run: Run) -> None:
    """First it makes the schema, then it finds it current."""
    assert "upgraded" in run("database", "upgrade").stdout
    assert "up to date" in run("database", "upgrade").stdout


def test_old_schema_is_refused_by_every_command(installed: Run, tmp_path: Path) -> None:
    """A schema without the latest revision is refused with the command that mends it."""
    with sqlite3.connect(tmp_path / "state" / "registry.sqlite") as connection:
        connection.execute("DELETE FROM alembic_version")
    connection.close()
    for words in (["account", "list"], ["address", "list", "a@example.com"]):
        assert "mediastreamer database upgrade" in installed(*words, status=1).stderr


def test_backup_and_restore(installed: Run, tmp_path: Path) -> None:
    """What was deleted after a backup is back after its restore, and the epoch is a higher one."""
    file = str(tmp_path / "backup")
    installed("address", "add", "anna@example.com", "8.8.8.8")
    installed("account", "set", "anna@example.com", "--until", "2031-01-01")
    installed("database", "backup", file)
    assert stat.S_IMODE(Path(file).stat().st_mode) == 0o600
    installed("account", "delete", "anna@example.com", "--yes")
    installed("database", "restore", file)
    shown = installed("account", "show", "anna@example.com").stdout
    assert "8.8.8.8/32" in shown
    assert "2031-01-01" in shown
    with sqlite3.connect(tmp_path / "state" / "registry.sqlite") as connection:
        assert connection.execute("SELECT epoch FROM published_head").fetchone()[0] > 0
    connection.close()


def test_restore_replaces_only_when_told(installed: Run, tmp_path: Path) -> None:
    """With accounts in the database it asks for --yes, and leaves them alone without it."""
    file = str(tmp_path / "backup")
    installed("database", "backup", file)
    assert "--yes" in installed("database", "restore", file, status=1).stderr
    installed("database", "restore", file, "--yes")
    assert "cannot be created" in installed("database", "backup", file, status=1).stderr


@pytest.mark.parametrize("damage", ["", "rubbish\n", '{"format": "other"}\n'])
def test_what_is_no_backup_is_refused(installed: Run, tmp_path: Path, damage: str) -> None:
    """Anything else is refused, and the database stays as it is."""
    file = tmp_path / "backup"
    file.write_text(damage, encoding="utf-8")
    result = installed("database", "restore", str(file), "--yes", status=1)
    assert "not a backup" in result.stderr
    assert "anna@example.com" in installed("account", "list").stdout


def test_damaged_backup_restores_nothing(installed: Run, tmp_path: Path) -> None:
    """A backup cut off or spoilt in the middle is refused with the line, in one transaction."""
    file = tmp_path / "backup"
    installed("database", "backup", str(file))
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-1]), encoding="utf-8")
    assert "end is missing" in installed("database", "restore", str(file), "--yes", status=1).stderr
    file.write_text(lines[0] + '["account", [1]]\n' + lines[-1], encoding="utf-8")
    assert (
        "line 2 is damaged" in installed("database", "restore", str(file), "--yes", status=1).stderr
    )
    assert "anna@example.com" in installed("account", "list").stdout


def test_backup_moves_from_one_kind_of_database_to_the_other(
    installed: Run, tmp_path: Path, database_url: str
) -> None:
    """A backup of SQLite restores into either, and numbering goes on after the restored rows."""
    installed("account", "token", "anna@example.com")
    file = tmp_path / "backup"
    installed("database", "backup", str(file))
    upgrade(database_url)
    engine = make_engine(database_url)
    restore_backup(engine, file.read_text(encoding="utf-8").splitlines())
    with make_sessions(engine).begin() as session:
        assert session.query(Slot).one().account.email == "anna@example.com"
        session.add(Account(email="ben@example.com", fs_uniquifier="2"))
        assert session.get_one(PublishedHead, 1).epoch > 0
    with (tmp_path / "second").open("w", encoding="utf-8") as stream:
        assert write_backup(engine, stream) == 4
    engine.dispose()
