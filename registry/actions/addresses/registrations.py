"""What an account's slots hold, and the one place where that changes."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.models import PublishedHead, Registration, Slot, SlotKind
from registry.pending import mark_pending
from smartdns.contract.addresses import Network


def networks_of(session: Session, account_id: int) -> list[Network]:
    """Networks that any slot of the account holds."""
    query = select(Registration.network).join(Slot).where(Slot.account_id == account_id)
    return list(session.scalars(query))


def next_choice(session: Session) -> int:
    """Give the next sequence number; transactions that take one line up behind each other."""
    query = update(PublishedHead).values(last_choice=PublishedHead.last_choice + 1)
    return session.execute(query.returning(PublishedHead.last_choice)).scalar_one()


def register_network(session: Session, slot: Slot, network: Network) -> bool:
    """Let `slot` hold `network` in place of the former one of its family; say if it changed.

    Nothing remembers the former network, but its grant is published anew.
    """
    held = registration_of(session, slot, network.version)
    if held is not None and held.network == network:
        return False
    choice = next_choice(session)
    if held is None:
        session.add(
            Registration(slot_id=slot.id, family=network.version, network=network, choice=choice)
        )
        mark_pending(session, [network])
    else:
        mark_pending(session, [held.network, network])
        held.network, held.choice = network, choice
    session.flush()
    return True


def remove_registration(session: Session, slot: Slot, family: int) -> None:
    """Let `slot` hold nothing of that family."""
    held = registration_of(session, slot, family)
    if held is not None:
        mark_pending(session, [held.network])
        session.delete(held)
        session.flush()


def registration_of(session: Session, slot: Slot, family: int) -> Registration | None:
    """Give what the slot holds of IPv4 (4) or IPv6 (6)."""
    return session.scalar(
        select(Registration).where(Registration.slot_id == slot.id, Registration.family == family)
    )


def renew_choice(session: Session, account_id: int) -> None:
    """Make this account's choice the newest on all networks that it has proved."""
    proved = select(Slot.id).where(Slot.account_id == account_id, Slot.kind != SlotKind.HOSTNAME)
    session.execute(
        update(Registration)
        .where(Registration.slot_id.in_(proved))
        .values(choice=next_choice(session))
        .execution_options(synchronize_session="fetch")
    )
    mark_pending(session, networks_of(session, account_id))
