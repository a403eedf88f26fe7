"""Finding the account that an action is about."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions.errors import UnknownAccount
from registry.models import Account


def find_account(session: Session, email: str) -> Account:
    """Give the account with this e-mail address, in any case, or raise UnknownAccount."""
    account = session.scalar(select(Account).where(Account.email == email.strip().lower()))
    if account is None:
        raise UnknownAccount
    return account


def lock_account(session: Session, account_id: int) -> Account:
    """Give the account and lock it until the transaction ends, or raise UnknownAccount.

    Until then no other transaction changes anything that belongs to the account. On PostgreSQL
    this is a lock on its row; on SQLite there is only one writing transaction at a time.
    """
    query = select(Account).where(Account.id == account_id).with_for_update()
    account = session.scalar(query.execution_options(populate_existing=True))
    if account is None:
        raise UnknownAccount
    return account
