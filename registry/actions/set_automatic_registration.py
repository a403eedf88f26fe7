from sqlalchemy.orm import Session

from registry.actions.find_account import lock_account


def set_automatic_registration(session: Session, account_id: int, *, wanted: bool) -> None:
    """Let the page register the visitor's address without a tap, or no longer."""
    lock_account(session, account_id).register_automatically = wanted
