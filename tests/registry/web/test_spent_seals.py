"""Single use, whichever registry it comes back to."""

import datetime
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session, sessionmaker

from registry.models import SpentSeal
from registry.web.spent_seals import spend_seal

TODAY = datetime.date(2030, 6, 3)


def test_a_number_counts_once_for_many_at_the_same_time(sessions: sessionmaker[Session]) -> None:
    """Of twenty that come at once one succeeds, on either database."""
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _: spend_seal(sessions, "a" * 24, TODAY), range(20)))
    assert done.count(True) == 1
    assert spend_seal(sessions, "b" * 24, TODAY)


def test_a_number_that_comes_again_is_no_error_of_the_database(
    engine: Engine, sessions: sessionmaker[Session]
) -> None:
    """PostgreSQL would write the collision into its log, with the time of that visit."""
    errors: list[object] = []
    note = errors.append  # each look-up of the method would be another listener
    event.listen(engine, "handle_error", note)
    try:
        assert spend_seal(sessions, "a" * 24, TODAY)
        assert not spend_seal(sessions, "a" * 24, TODAY)
    finally:
        event.remove(engine, "handle_error", note)
    assert errors == []


def test_spent_numbers_are_gone_two_days_later(sessions: sessionmaker[Session]) -> None:
    """The next one that is spent deletes them; by then no seal of theirs opens any more."""
    spend_seal(sessions, "a" * 24, TODAY)
    spend_seal(sessions, "b" * 24, TODAY + datetime.timedelta(days=2))
    with sessions() as session:
        assert session.scalars(select(SpentSeal.number)).all() == ["b" * 24]
