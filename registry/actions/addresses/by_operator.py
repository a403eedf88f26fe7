"""Networks that an operator enters, each in a slot of its own; wide ones must be confirmed."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions.addresses.registrations import register_network
from registry.actions.addresses.removing import remove_address
from registry.actions.addresses.rules import judge_network
from registry.actions.errors import UnknownSlot
from registry.actions.find_account import lock_account
from registry.models import Registration, Slot, SlotKind
from smartdns.contract.addresses import Network


def add_network(
    session: Session, account_id: int, network: Network, *, insisting: bool = False
) -> bool:
    """Let a network in, without counting it against the limit; say whether it is new.

    Raises NetworkTooWide, or NetworkWide unless the operator is `insisting`.
    """
    judge_network(network, insisting=insisting)
    lock_account(session, account_id)
    query = select(Slot.id).join(Registration).where(Slot.account_id == account_id)
    entered = query.where(Slot.kind == SlotKind.OPERATOR, Registration.network == network)
    if session.scalar(entered.limit(1)) is not None:
        return False
    slot = Slot(account_id=account_id, kind=SlotKind.OPERATOR)
    session.add(slot)
    session.flush()
    return register_network(session, slot, network)


def remove_network(session: Session, account_id: int, network: Network) -> None:
    """Remove a network from every slot of the account, or raise UnknownSlot if none has it."""
    lock_account(session, account_id)
    query = select(Registration.id).join(Slot).where(Slot.account_id == account_id)
    found = session.scalars(query.where(Registration.network == network)).all()
    if not found:
        raise UnknownSlot
    for registration_id in found:
        remove_address(session, account_id, registration_id)
