"""PostgreSQL's log after a row that was really refused."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text

from cli.audit.canaries import Canaries
from cli.audit.postgresql import provoke_duplicate, search_log
from cli.audit.report import FOUND, UNSEEN, AuditReport
from registry.database.engine import make_engine
from registry.database.schema import upgrade
from registry.models import Account

LOG = "its log, after it has refused a row"


@pytest.fixture
def engine(postgresql_server: str) -> Iterator[Engine]:
    """A database whose settings of the log are this test's own."""
    name = f"test_{os.urandom(6).hex()}"
    administrative = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    url = postgresql_server.replace("/postgres?", f"/{name}?")
    with administrative.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    upgrade(url)
    made = make_engine(url)
    yield made
    made.dispose()
    with administrative.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    administrative.dispose()


def provoke_and_search(engine: Engine) -> AuditReport:
    """Offer it two accounts of one e-mail address, and look."""
    canaries, report = Canaries(), AuditReport()
    assert provoke_duplicate(engine, f"{canaries.word('a row')}@example.com")
    search_log(report, canaries.needles(), engine)
    return report


def places(report: AuditReport, verdict: str) -> str:
    """Name the places with that verdict."""
    return " ".join(place.where for place in report.of(verdict))


def test_a_refused_row_is_in_the_log_and_found_there(engine: Engine) -> None:
    """As PostgreSQL comes; each setting that is to blame is named with its cure."""
    report = provoke_and_search(engine)
    assert LOG in places(report, FOUND)
    for setting in ("log_error_verbosity", "log_min_error_statement"):
        assert setting in places(report, FOUND)
    assert all("ALTER SYSTEM SET" in place.remedy for place in report.of(FOUND))


def test_with_the_settings_that_we_ask_for_it_is_in_no_log(engine: Engine) -> None:
    """The same server, the same refused row."""
    with engine.connect() as connection:
        name = engine.url.database
        for setting in ("log_error_verbosity = terse", "log_min_error_statement = panic"):
            connection.execute(text(f'ALTER DATABASE "{name}" SET {setting}'))
        connection.commit()
    engine.dispose()
    report = provoke_and_search(engine)
    assert LOG not in places(report, FOUND) + places(report, UNSEEN)


def test_nothing_of_the_provocation_stays(engine: Engine) -> None:
    """No account was made."""
    provoke_and_search(engine)
    with engine.connect() as connection:
        assert connection.execute(Account.__table__.select()).all() == []  # type: ignore[attr-defined]
