import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.lifecycle import (
    delete_account,
    resume_account,
    set_paid_until,
    suspend_account,
)
from registry.actions.errors import (
    UnknownAccount,
)
from registry.models import Account, Base, BrowserSession, PendingNetwork, PublishedHead
from tests.registry.actions.registered import NETWORK, pending


def test_suspending_resuming_and_paying_publish(sessions: sessionmaker[Session], anna: int) -> None:
    """Each of these has the account's networks published anew; suspending also signs out."""
    with sessions.begin() as session:
        suspend_account(session, anna)
    with sessions.begin() as session:
        assert not session.get_one(Account, anna).active
        assert session.scalars(select(BrowserSession)).all() == []
        assert pending(session) == [NETWORK]
        resume_account(session, anna)
        set_paid_until(session, anna, datetime.date(2030, 1, 1))
    with sessions.begin() as session:
        assert session.get_one(Account, anna).active
        assert session.get_one(Account, anna).paid_until == datetime.date(2030, 1, 1)
        assert pending(session) == [NETWORK] * 3


def test_deleting_leaves_no_row(sessions: sessionmaker[Session], anna: int) -> None:
    """After deletion no table has a row of the account; its network is published."""
    with sessions.begin() as session:
        delete_account(session, anna)
    with sessions.begin() as session:
        assert pending(session) == [NETWORK]
        for table in Base.metadata.sorted_tables:
            if table.name not in {PublishedHead.__tablename__, PendingNetwork.__tablename__}:
                assert session.execute(select(table)).all() == [], table.name
    with pytest.raises(UnknownAccount), sessions.begin() as session:
        delete_account(session, anna)
