from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry.actions.find_account import lock_account
from registry.actions.registrations import networks_of
from registry.models import BrowserSession
from registry.pending import note_networks


def suspend_account(session: Session, account_id: int) -> None:
    """Let the account in no longer, and sign it out; it keeps what it has."""
    lock_account(session, account_id).active = False
    session.execute(delete(BrowserSession).where(BrowserSession.account_id == account_id))
    note_networks(session, networks_of(session, account_id))


def resume_account(session: Session, account_id: int) -> None:
    """Undo a suspension."""
    lock_account(session, account_id).active = True
    note_networks(session, networks_of(session, account_id))
