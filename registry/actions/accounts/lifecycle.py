"""Suspending, resuming, limiting and deleting an account."""

import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry.actions.addresses.registrations import networks_of
from registry.actions.find_account import lock_account
from registry.models import Account, BrowserSession
from registry.pending import mark_pending


def suspend_account(session: Session, account_id: int) -> None:
    """Let the account in no longer, and sign it out; it keeps what it has."""
    lock_account(session, account_id).active = False
    session.execute(delete(BrowserSession).where(BrowserSession.account_id == account_id))
    mark_pending(session, networks_of(session, account_id))


def resume_account(session: Session, account_id: int) -> None:
    """Undo a suspension."""
    lock_account(session, account_id).active = True
    mark_pending(session, networks_of(session, account_id))


def set_paid_until(session: Session, account_id: int, day: datetime.date | None) -> None:
    """Let the account in up to and including `day` (UTC); None: without an end."""
    lock_account(session, account_id).paid_until = day
    mark_pending(session, networks_of(session, account_id))


def delete_account(session: Session, account_id: int) -> None:
    """Delete the account and all that is held about it; the database cascades.

    After the commit, `overwrite_deleted` empties what the files still hold.
    """
    lock_account(session, account_id)
    mark_pending(session, networks_of(session, account_id))
    session.execute(delete(Account).where(Account.id == account_id))
