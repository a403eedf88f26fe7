"""Networks that an operator types: every one is obeyed, each in a slot of its own."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions.addresses.registrations import register_network
from registry.actions.addresses.removing import remove_address
from registry.actions.errors import UnknownSlot
from registry.actions.find_account import lock_account
from registry.models import Registration, Slot, SlotKind
from smartdns.contract.addresses import Network


def add_network(session: Session, account_id: int, network: Network) -> bool:
    """Let a network in on an operator's word, outside the limit; say if it was not there yet."""
    lock_account(session, account_id)
    query = select(Slot.id).join(Registration).where(Slot.account_id == account_id)
    typed = query.where(Slot.kind == SlotKind.OPERATOR, Registration.network == network)
    if session.scalar(typed.limit(1)) is not None:
        return False
    slot = Slot(account_id=account_id, kind=SlotKind.OPERATOR)
    session.add(slot)
    session.flush()
    return register_network(session, slot, network)


def remove_network(session: Session, account_id: int, network: Network) -> None:
    """Take a network out of every slot of the account that holds it."""
    lock_account(session, account_id)
    query = select(Registration.id).join(Slot).where(Slot.account_id == account_id)
    held = session.scalars(query.where(Registration.network == network)).all()
    if not held:
        raise UnknownSlot
    for registration_id in held:
        remove_address(session, account_id, registration_id)
