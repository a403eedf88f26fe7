from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry.actions.add_account import new_uniquifier
from registry.actions.find_account import lock_account
from registry.actions.passwords import hash_password
from registry.models import BrowserSession


def set_password(session: Session, account_id: int, password: str) -> None:
    """Set a password; whoever is signed in with the former one is signed out."""
    account = lock_account(session, account_id)
    account.password = hash_password(password, account.email)
    sign_out_everywhere(session, account_id)


def sign_out_everywhere(session: Session, account_id: int) -> None:
    """End every session of the account, and every link that was mailed to it."""
    lock_account(session, account_id).fs_uniquifier = new_uniquifier()
    session.execute(delete(BrowserSession).where(BrowserSession.account_id == account_id))
