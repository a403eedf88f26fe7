"""Accounts are added once, and an e-mail address belongs to one of them."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.adding import add_account, reserve_email
from registry.actions.errors import (
    EmailTaken,
    EmailUnusable,
    UnknownAccount,
)
from registry.actions.find_account import find_account
from registry.models import Account
from zones.catalog import Catalog


def test_email_is_normalised_and_unique(
    sessions: sessionmaker[Session], anna: int, catalog: Catalog
) -> None:
    """The same address in another case is the same account, for adding and for finding."""
    with pytest.raises(EmailTaken), sessions.begin() as session:
        add_account(session, " ANNA@Example.com", None, catalog=catalog)
    with sessions.begin() as session:
        assert find_account(session, "Anna@EXAMPLE.com ").id == anna
        with pytest.raises(UnknownAccount):
            find_account(session, "ben@example.com")


@pytest.mark.parametrize("email", ["", "anna", "anna@", "@example.com", "a b@example.com", "a@b"])
def test_unusable_emails_are_refused(
    sessions: sessionmaker[Session], catalog: Catalog, email: str
) -> None:
    """What mail cannot reach is refused without being repeated."""
    with pytest.raises(EmailUnusable), sessions.begin() as session:
        add_account(session, email, None, catalog=catalog)


@pytest.mark.processes
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_collisions_leave_nothing_in_postgresqls_log(
    engine: Engine, sessions: sessionmaker[Session], anna: int, catalog: Catalog
) -> None:
    """Adding what is there already writes no key into the server's log."""
    for _ in range(2):
        with pytest.raises(EmailTaken), sessions.begin() as session:
            add_account(session, "anna@example.com", None, catalog=catalog)
    with engine.connect() as connection:
        folder = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())
        # The control: a plain INSERT does write the key there.
        with pytest.raises(IntegrityError):
            connection.execute(
                insert(Account).values(email="anna@example.com", fs_uniquifier="planted")
            )
    written = (folder / "log").read_text(encoding="utf-8")
    assert written.count("(anna@example.com)") == 1


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
