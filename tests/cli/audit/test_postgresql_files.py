"""PostgreSQL's files after rows that were really deleted."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from cli.audit.canaries import Canaries
from cli.audit.postgresql_files import chunks_of, search_data_directory
from cli.audit.report import CLEAN, FOUND, UNSEEN, AuditReport
from tests.registry.databases import create_postgresql_database

LOG = "write-ahead log"
UNREADABLE = "PostgreSQL: dead rows, write-ahead log"


@pytest.fixture
def url(postgresql_server: str) -> Iterator[str]:
    """An empty database."""
    with create_postgresql_database(postgresql_server) as made:
        yield made


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """As the server's owner."""
    made = create_engine(url)
    yield made
    made.dispose()


def plant_and_delete(engine: Engine, content: bytes) -> None:
    """Write a row, delete it and let VACUUM have it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE TABLE planted (content bytea)"))
        connection.execute(text("INSERT INTO planted VALUES (:it)"), {"it": content})
        connection.execute(text("DELETE FROM planted"))
        connection.execute(text("VACUUM planted"))
        assert connection.execute(text("SELECT * FROM planted")).all() == []


@pytest.mark.parametrize("form", ["text", "hexadecimal", "capitals"])
def test_a_deleted_row_is_in_the_write_ahead_log(engine: Engine, form: str) -> None:
    """And found there, with what shortens the log; what it wrote before is not looked at."""
    canaries, began = Canaries(), time.time()
    word = canaries.word("a row").encode()
    forms = {"text": word, "hexadecimal": word.hex().encode(), "capitals": word.upper()}
    plant_and_delete(engine, forms[form])
    report = AuditReport()
    search_data_directory(report, canaries.needles(), engine, began - 1)
    (found,) = (place for place in report.of(FOUND) if LOG in place.where)
    assert "wal_recycle" in found.remedy
    assert word.decode() not in str(report)
    later = AuditReport()
    search_data_directory(later, canaries.needles(), engine, time.time() + 3600)
    assert len(later.of(CLEAN)) == 2


def test_a_row_that_is_still_there_is_in_the_tables_files(engine: Engine) -> None:
    """Though the server had it in memory only: it is told to write first."""
    canaries, began, report = Canaries(), time.time(), AuditReport()
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE planted (content text)"))
        word = canaries.word("a row")
        connection.execute(text("INSERT INTO planted VALUES (:it)"), {"it": word})
    search_data_directory(report, canaries.needles(), engine, began - 1)
    (found,) = (place for place in report.of(FOUND) if "tables and indexes" in place.where)
    assert "VACUUM FULL" in found.remedy


def test_what_never_was_in_the_database_is_not_found(engine: Engine) -> None:
    """Both kinds of file were searched."""
    canaries, began, report = Canaries(), time.time(), AuditReport()
    canaries.word("a query")
    plant_and_delete(engine, b"something else")
    search_data_directory(report, canaries.needles(), engine, began - 1)
    assert not report.of(FOUND)
    assert len(report.of(CLEAN)) == 2
    assert not any(" 0 files" in place.where for place in report.of(CLEAN))


def test_files_that_are_not_to_be_read_are_unseen(url: str) -> None:
    """To a user who may not ask where they are; with what to do about it."""
    asked = make_url(url).update_query_dict({"options": "-c role=pg_signal_backend"})
    engine, report = create_engine(asked), AuditReport()
    search_data_directory(report, Canaries().needles(), engine, 0)
    engine.dispose()
    (unseen,) = report.of(UNSEEN)
    assert unseen.where == UNREADABLE
    assert "pg_monitor" in unseen.what
    assert not report.of(CLEAN)


def test_another_servers_files_are_not_taken_for_its_own(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when it runs elsewhere and the same path is here, too."""
    (tmp_path / "global").mkdir()
    (tmp_path / "pg_wal").mkdir()
    (tmp_path / "global" / "pg_control").write_bytes(bytes(8192))
    monkeypatch.setattr("cli.audit.postgresql_files.Path", lambda *_: tmp_path)
    report = AuditReport()
    search_data_directory(report, Canaries().needles(), engine, 0)
    assert [place.where for place in report.of(UNSEEN)] == [UNREADABLE]


def test_a_canary_across_two_chunks_is_found(tmp_path: Path) -> None:
    """Wherever the border is; and a file of zeros is not worth a look."""
    canaries = Canaries()
    word = canaries.word("a row").encode()
    needles, file = canaries.needles(), tmp_path / "file"
    for at in ((1 << 20) - 4096 - 10, 2 * ((1 << 20) - 4096) - 1):
        file.write_bytes(os.urandom(at) + word + os.urandom(1 << 20))
        assert any(needles.find(part) for part in chunks_of(file))
    file.write_bytes(bytes(3 << 20))
    assert list(chunks_of(file)) == []
