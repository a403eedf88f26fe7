from sqlalchemy.orm import Session

from registry.actions.find_account import lock_account


def set_updater_mails(session: Session, account_id: int, *, wanted: bool) -> None:
    """Write a mail when an updater has failed for a day, or no longer."""
    lock_account(session, account_id).updater_mails = wanted
