import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from registry.database import schema
from registry.database.engine import (
    DatabaseUnready,
    make_engine,
    make_readers,
)
from registry.database.schema import require_current_schema, schema_is_current, upgrade
from registry.models import Base, PublishedHead


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


def test_the_revisions_are_those_that_alembic_finds() -> None:
    """Each file is named for its revision, and they follow each other in that order."""
    config = Config()
    config.set_main_option("script_location", "registry.database:migrations")
    scripts = ScriptDirectory.from_config(config)
    found = [script.revision for script in scripts.walk_revisions()]
    assert schema.revisions() == found[::-1]
    assert scripts.get_heads() == [schema.revisions()[-1]]


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


def test_failed_upgrade_takes_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a migration fails halfway, the schema is as before and a copy from before is there."""
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"

    def fail(_connection: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(schema, "_check_foreign_keys", fail)
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
