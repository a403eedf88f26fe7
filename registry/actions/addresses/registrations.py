"""The registered networks of an account, and the only functions that change them."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.models import PublishedHead, Registration, Slot, SlotKind
from registry.pending import mark_pending
from smartdns.contract.addresses import Network


def networks_of(session: Session, account_id: int) -> list[Network]:
    """Give the networks in all slots of the account."""
    query = select(Registration.network).join(Slot).where(Slot.account_id == account_id)
    return list(session.scalars(query))


def next_choice(session: Session) -> int:
    """Give the next sequence number; transactions that ask for one wait for each other."""
    query = update(PublishedHead).values(last_choice=PublishedHead.last_choice + 1)
    return session.execute(query.returning(PublishedHead.last_choice)).scalar_one()


def register_network(session: Session, slot: Slot, network: Network) -> bool:
    """Put `network` into `slot`, replacing the former one of its family; say if it changed.

    The former network is not kept anywhere, but its grant is published again.
    """
    former = registration_of(session, slot, network.version)
    if former is not None and former.network == network:
        return False
    choice = next_choice(session)
    if former is None:
        session.add(
            Registration(slot_id=slot.id, family=network.version, network=network, choice=choice)
        )
        mark_pending(session, [network])
    else:
        mark_pending(session, [former.network, network])
        former.network, former.choice = network, choice
    session.flush()
    return True


def remove_registration(session: Session, slot: Slot, family: int) -> None:
    """Remove the network of this family (4 or 6) from `slot`, if it has one."""
    registration = registration_of(session, slot, family)
    if registration is not None:
        mark_pending(session, [registration.network])
        session.delete(registration)
        session.flush()


def registration_of(session: Session, slot: Slot, family: int) -> Registration | None:
    """Give the slot's registration of IPv4 (4) or IPv6 (6)."""
    return session.scalar(
        select(Registration).where(Registration.slot_id == slot.id, Registration.family == family)
    )


def renew_choice(session: Session, account_id: int) -> None:
    """Make this account's choice of regions the newest one on every network it has proved."""
    proved = select(Slot.id).where(Slot.account_id == account_id, Slot.kind != SlotKind.HOSTNAME)
    session.execute(
        update(Registration)
        .where(Registration.slot_id.in_(proved))
        .values(choice=next_choice(session))
        .execution_options(synchronize_session="fetch")
    )
    mark_pending(session, networks_of(session, account_id))
