"""Whom an action is about."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions.errors import UnknownAccount
from registry.models import Account


def find_account(session: Session, email: str) -> Account:
    """Give the account of `email`, in any case."""
    account = session.scalar(select(Account).where(Account.email == email.strip().lower()))
    if account is None:
        raise UnknownAccount
    return account


def lock_account(session: Session, account_id: int) -> Account:
    """Give the account, and let no other transaction change what it has until this one ends.

    On PostgreSQL by a lock on its row; on SQLite a changing transaction is the only one anyway.
    """
    query = select(Account).where(Account.id == account_id).with_for_update()
    account = session.scalar(query.execution_options(populate_existing=True))
    if account is None:
        raise UnknownAccount
    return account
