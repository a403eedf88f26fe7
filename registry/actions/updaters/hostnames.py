"""Following a DDNS host name: it claims an address for a home, but proves nothing."""

import datetime
from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.actions.addresses.registrations import register_network, remove_registration
from registry.actions.addresses.rules import AddressRules
from registry.actions.addresses.slots import open_slot
from registry.actions.errors import HostnameUnusable
from registry.actions.find_account import lock_account
from registry.actions.updaters.claims import GRACE_DAYS, Answers, Claim, claim_of
from registry.models import Slot, SlotKind
from smartdns.contract.addresses import Address, Network, household_network


def follow_hostname(
    session: Session,
    account_id: int,
    hostname: str,
    *,
    answers: Answers,
    senders: Collection[Address],
    rules: AddressRules,
) -> int:
    """Open a slot for a host name (normal form) and give its number, or raise HostnameUnusable.

    `senders`: the addresses that the visitor's requests came from. The name must not have the
    address of any other network.
    """
    claim = claim_of(answers, {}, rules)
    proved = {household_network(sender, rules.ipv6_prefix) for sender in senders}
    if claim.failing:
        raise HostnameUnusable(reason="no name server knows a public address for it")
    if not set(claim.networks.values()) <= proved:
        raise HostnameUnusable(reason="it does not lead to where you are now")
    lock_account(session, account_id)
    same = select(Slot.id).where(Slot.account_id == account_id, Slot.hostname == hostname)
    if session.scalar(same) is not None:
        raise HostnameUnusable(reason="it is already followed")
    slot = open_slot(
        session, account_id, SlotKind.HOSTNAME, limit=rules.slot_limit, hostname=hostname
    )
    for network in claim.networks.values():
        register_network(session, slot, network)
    return slot.number or 0


def is_up_to_date(session: Session, slot_id: int, answers: Answers, *, rules: AddressRules) -> bool:
    """Say whether the slot already has what its name claims; changes nothing."""
    slot = session.get(Slot, slot_id)
    if slot is None:
        return True
    registered = {r.family: r.network for r in slot.registrations}
    claim = claim_of(answers, registered, rules)
    return not claim.failing and claim.networks == registered and slot.failing_since is None


def apply_answers(
    session: Session, slot_id: int, answers: Answers, *, rules: AddressRules, day: datetime.date
) -> None:
    """Register what the name claims now; if it claims nothing, keep the networks for a while.

    `day` is today in UTC.
    """
    slot = session.get(Slot, slot_id)
    if slot is None or slot.kind is not SlotKind.HOSTNAME:
        return  # the slot was removed during the look-up
    lock_account(session, slot.account_id)
    registered: Mapping[int, Network] = {r.family: r.network for r in slot.registrations}
    claim = claim_of(answers, registered, rules)
    for network in claim.networks.values():
        register_network(session, slot, network)
    _note_failure(slot, claim, day)
    for family in registered.keys() - claim.networks.keys():
        if _has_ended(slot, claim, family, day):
            remove_registration(session, slot, family)


def _note_failure(slot: Slot, claim: Claim, day: datetime.date) -> None:
    if claim.failing:
        slot.failing_since = slot.failing_since or day
    else:
        slot.failing_since, slot.failure_mailed = None, False


def _has_ended(slot: Slot, claim: Claim, family: int, day: datetime.date) -> bool:
    """Say whether to remove the network of this family, which the name claimed earlier."""
    if slot.failing_since is None:
        return family not in claim.kept  # the name has an address of the other family only
    return day > slot.failing_since + datetime.timedelta(days=GRACE_DAYS)
