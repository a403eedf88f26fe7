"""The button *Register my IP address*."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.actions.addresses.registrations import register_network, renew_choice
from registry.actions.addresses.rules import AddressRules, judge_address
from registry.actions.addresses.slots import find_slot, open_slot, page_slot
from registry.actions.errors import UnknownSlot
from registry.actions.find_account import lock_account
from registry.models import Registration, Slot, SlotKind
from smartdns.contract.addresses import Address, Network, household_network


@dataclass(frozen=True, slots=True, repr=False)
class Registered:
    """The network that is let in now."""

    network: Network
    changed: bool
    """It was not let in before."""


def register_address(
    session: Session,
    account_id: int,
    address: Address,
    *,
    rules: AddressRules,
    slot: int | Literal["new"] | None = None,
    insisting: bool = False,
) -> Registered:
    """Register the address that a request came from; it replaces the address in the slot.

    `slot`: None for the first slot of the page; "new" for another one; or a slot number.
    If another slot of the account has proved the same network, nothing moves to the page's slot.
    `insisting`: the visitor confirms an address that the rules call doubtful.
    """
    judge_address(address, rules, insisting=insisting)
    lock_account(session, account_id)
    network = household_network(address, rules.ipv6_prefix)
    if (registration := _proved(session, account_id, network)) is not None:
        if registration.choice < _newest_choice(session, network):
            renew_choice(session, account_id)
        return Registered(network, changed=False)
    chosen = _slot(session, account_id, slot, rules.slot_limit)
    return Registered(network, register_network(session, chosen, network))


def _slot(
    session: Session, account_id: int, wanted: int | Literal["new"] | None, limit: int
) -> Slot:
    if isinstance(wanted, int):
        slot = find_slot(session, account_id, wanted)
        if slot.kind is not SlotKind.PAGE:
            raise UnknownSlot  # the slot's updater would soon replace the address again
        return slot
    first = page_slot(session, account_id) if wanted is None else None
    return first or open_slot(session, account_id, SlotKind.PAGE, limit=limit)


def _proved(session: Session, account_id: int, network: Network) -> Registration | None:
    query = select(Registration).join(Slot).where(Slot.account_id == account_id)
    proved = query.where(Slot.kind != SlotKind.HOSTNAME, Registration.network == network)
    return session.scalar(proved.order_by(Registration.choice.desc()).limit(1))


def _newest_choice(session: Session, network: Network) -> int:
    query = select(func.max(Registration.choice)).join(Slot)
    proved = query.where(Slot.kind != SlotKind.HOSTNAME, Registration.network == network)
    return session.scalar(proved) or 0
