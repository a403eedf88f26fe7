from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry.actions.find_account import lock_account
from registry.actions.registrations import networks_of
from registry.models import Slot
from registry.pending import note_networks


def forget_all_addresses(session: Session, account_id: int) -> None:
    """Turn MediaStreamer off: no address, no updater that would report one, no name followed."""
    account = lock_account(session, account_id)
    account.register_automatically = False
    note_networks(session, networks_of(session, account_id))
    session.execute(delete(Slot).where(Slot.account_id == account_id))
