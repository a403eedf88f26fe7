"""An e-mail address that is about to be given: to nobody else, and without a trace."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.add_account import add_account
from registry.actions.errors import EmailTaken
from registry.actions.reserve_email import reserve_email
from registry.models import Account
from zones.catalog import Catalog


def test_a_free_email_can_be_given_in_the_same_transaction(
    sessions: sessionmaker[Session], catalog: Catalog
) -> None:
    """Reserving leaves no row of its own behind, and does not stand in one's own way."""
    with sessions.begin() as session:
        number = add_account(session, "anna@example.com", None, catalog=catalog)
    with sessions.begin() as session:
        account = session.get_one(Account, number)
        reserve_email(session, "new@example.com")
        account.email = "new@example.com"
    with sessions.begin() as session:
        assert session.scalars(select(Account.email)).all() == ["new@example.com"]


def test_an_email_that_somebody_has_is_taken(
    sessions: sessionmaker[Session], catalog: Catalog
) -> None:
    """It is refused, and whoever has it keeps it."""
    with sessions.begin() as session:
        add_account(session, "anna@example.com", None, catalog=catalog)
    with pytest.raises(EmailTaken), sessions.begin() as session:
        reserve_email(session, "anna@example.com")
    with sessions.begin() as session:
        assert session.scalars(select(Account.email)).all() == ["anna@example.com"]
