"""Slots: each has the address of one household; an account has no more than its limit."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions.errors import SlotsFull, UnknownSlot
from registry.actions.find_account import lock_account
from registry.models import Slot, SlotKind

LONGEST_LABEL = 64


def open_slot(
    session: Session,
    account_id: int,
    kind: SlotKind,
    *,
    limit: int,
    label: str = "",
    hostname: str | None = None,
) -> Slot:
    """Open the slot with the lowest free number, or raise SlotsFull.

    The account's row is locked first, so that parallel requests see each other's slots. Without
    the lock, the unique index on (account, number) would still stop them.
    """
    lock_account(session, account_id)
    query = select(Slot.number).where(Slot.account_id == account_id, Slot.number.is_not(None))
    taken = set(session.scalars(query))
    free = next((n for n in range(1, limit + 1) if n not in taken), None)
    # If the limit was lowered later, there may be slots with numbers above it.
    if free is None or len(taken) >= limit:
        raise SlotsFull(limit=limit)
    slot = Slot(
        account_id=account_id,
        number=free,
        kind=kind,
        label=label.strip()[:LONGEST_LABEL],
        hostname=hostname,
    )
    session.add(slot)
    session.flush()
    return slot


def find_slot(session: Session, account_id: int, number: int) -> Slot:
    """Give the account's slot with this number, or raise UnknownSlot."""
    query = select(Slot).where(Slot.account_id == account_id, Slot.number == number)
    slot = session.scalar(query)
    if slot is None:
        raise UnknownSlot
    return slot


def page_slot(session: Session, account_id: int) -> Slot | None:
    """Give the first of the slots that the button on the page fills, or None."""
    query = select(Slot).where(Slot.account_id == account_id, Slot.kind == SlotKind.PAGE)
    return session.scalar(query.order_by(Slot.number).limit(1))
