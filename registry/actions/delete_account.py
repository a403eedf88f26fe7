from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry.actions.find_account import lock_account
from registry.actions.registrations import networks_of
from registry.models import Account
from registry.pending import note_networks


def delete_account(session: Session, account_id: int) -> None:
    """Delete the account and all that is held about it; the database cascades.

    After the commit, `overwrite_deleted` empties what the files still hold.
    """
    lock_account(session, account_id)
    note_networks(session, networks_of(session, account_id))
    session.execute(delete(Account).where(Account.id == account_id))
