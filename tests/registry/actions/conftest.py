"""An account for the tests of actions."""

import datetime

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.adding import add_account
from registry.actions.addresses.by_operator import add_network
from registry.models import BrowserSession, PendingNetwork
from tests.registry.actions.registered import NETWORK
from zones.catalog import Catalog


@pytest.fixture
def anna(sessions: sessionmaker[Session], catalog: Catalog) -> int:
    """An account that holds one network and is signed in somewhere."""
    with sessions.begin() as session:
        number = add_account(session, "anna@example.com", "correct horse", catalog=catalog)
        add_network(session, number, NETWORK)
        day = datetime.date(2030, 1, 31)
        session.add(BrowserSession(id_hash="0" * 64, account_id=number, last_day=day))
        session.execute(delete(PendingNetwork))
        return number
