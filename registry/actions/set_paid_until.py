import datetime

from sqlalchemy.orm import Session

from registry.actions.find_account import lock_account
from registry.actions.registrations import networks_of
from registry.pending import note_networks


def set_paid_until(session: Session, account_id: int, day: datetime.date | None) -> None:
    """Let the account in up to and including `day` (UTC); None: without an end."""
    lock_account(session, account_id).paid_until = day
    note_networks(session, networks_of(session, account_id))
