"""Removing registered addresses: one of them, with undo, or all of them."""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from registry.actions.addresses.registrations import networks_of, register_network
from registry.actions.addresses.slots import open_slot
from registry.actions.errors import UnknownSlot
from registry.actions.find_account import lock_account
from registry.models import Registration, Slot, SlotKind
from registry.pending import mark_pending
from smartdns.contract.addresses import Network


@dataclass(frozen=True, slots=True, repr=False)
class Removed:
    """What `restore_address` needs to undo a removal; only the caller keeps it."""

    network: Network
    kind: SlotKind
    slot_id: int | None
    """The slot it was in; None: the slot was deleted, too."""


def remove_address(session: Session, account_id: int, registration_id: int) -> Removed:
    """Remove one registered network of the account, or raise UnknownSlot.

    A slot of the page or of an operator is deleted when it becomes empty. An updater keeps its
    slot and its token, and may report an address again.
    """
    lock_account(session, account_id)
    query = select(Registration).join(Slot).where(Slot.account_id == account_id)
    registration = session.scalar(query.where(Registration.id == registration_id))
    if registration is None:
        raise UnknownSlot
    slot, network = registration.slot, registration.network
    mark_pending(session, [network])
    slot.registrations.remove(registration)
    is_empty = not slot.registrations and slot.kind in {SlotKind.PAGE, SlotKind.OPERATOR}
    removed = Removed(network, slot.kind, None if is_empty else slot.id)
    if is_empty:
        session.delete(slot)
    session.flush()
    return removed


def restore_address(session: Session, account_id: int, removed: Removed, *, limit: int) -> None:
    """Undo a removal that this account has just made."""
    lock_account(session, account_id)
    slot = None if removed.slot_id is None else session.get(Slot, removed.slot_id)
    if slot is None or slot.account_id != account_id:
        if removed.kind is SlotKind.OPERATOR:
            slot = Slot(account_id=account_id, kind=SlotKind.OPERATOR)
            session.add(slot)
            session.flush()
        else:
            slot = open_slot(session, account_id, SlotKind.PAGE, limit=limit)
    register_network(session, slot, removed.network)


def forget_all_addresses(session: Session, account_id: int) -> None:
    """Turn MediaStreamer off: delete every slot, updaters and followed host names included."""
    account = lock_account(session, account_id)
    account.register_automatically = False
    mark_pending(session, networks_of(session, account_id))
    session.execute(delete(Slot).where(Slot.account_id == account_id))
