from pathlib import Path

from sqlalchemy import text

from registry.database.engine import (
    make_engine,
    make_readers,
    make_sessions,
)
from registry.database.erasure import empty_log, overwrite_deleted
from registry.database.schema import upgrade
from registry.models import Account


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
