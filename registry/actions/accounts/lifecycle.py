"""Suspending, resuming, limiting and deleting an account."""

import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry.actions.addresses.registrations import networks_of
from registry.actions.find_account import lock_account
from registry.models import Account, BrowserSession
from registry.pending import mark_pending


def suspend_account(session: Session, account_id: int) -> None:
    """Stop letting the account in, and sign it out; its addresses stay registered."""
    lock_account(session, account_id).active = False
    session.execute(delete(BrowserSession).where(BrowserSession.account_id == account_id))
    mark_pending(session, networks_of(session, account_id))


def resume_account(session: Session, account_id: int) -> None:
    """Undo a suspension."""
    lock_account(session, account_id).active = True
    mark_pending(session, networks_of(session, account_id))


def set_paid_until(session: Session, account_id: int, day: datetime.date | None) -> None:
    """Set the last day (UTC) on which the account is let in; None: no end."""
    lock_account(session, account_id).paid_until = day
    mark_pending(session, networks_of(session, account_id))


def delete_account(session: Session, account_id: int) -> None:
    """Delete the account and everything stored about it; the database cascades.

    The rows may remain in the database's files until `overwrite_deleted` is called.
    """
    lock_account(session, account_id)
    mark_pending(session, networks_of(session, account_id))
    session.execute(delete(Account).where(Account.id == account_id))
