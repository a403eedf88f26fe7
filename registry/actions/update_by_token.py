"""A router, or whoever opens a secret link, reports that its home is here now."""

import datetime

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from registry.actions.address_rules import AddressRules, judge_address
from registry.actions.errors import LetInNoLonger, Refused, UnknownToken
from registry.actions.find_account import lock_account
from registry.actions.issue_token import hash_token
from registry.actions.register_address import Registered
from registry.actions.registrations import hold_network
from registry.models import Account, Registration, Slot
from smartdns.contract.addresses import Address, Network, household_network

# Put together once: every router asks it every few minutes.
_UNCHANGED = (
    select(Slot.id)
    .join(Registration)
    .join(Account)
    .where(
        Slot.token_hash == bindparam("hash"),
        Slot.failing_since.is_(None),
        Registration.network == bindparam("network"),
        Account.active,
        Account.confirmed,
        or_(Account.paid_until.is_(None), Account.paid_until >= bindparam("day")),
    )
)


def is_token(session: Session, token: str) -> bool:
    """Say whether an updater has this token."""
    query = select(Slot.id).where(Slot.token_hash == hash_token(token))
    return session.scalar(query) is not None


def is_unchanged(
    session: Session, token: str, address: Address, *, rules: AddressRules, day: datetime.date
) -> Network | None:
    """Give the network that `token` has reported already, without changing anything.

    None: go through `update_by_token`, which also says what is wrong.
    """
    network = household_network(address, rules.ipv6_prefix)
    found = session.execute(
        _UNCHANGED, {"hash": hash_token(token), "network": network, "day": day}
    ).first()
    return None if found is None else network


def update_by_token(
    session: Session, token: str, address: Address, *, rules: AddressRules, day: datetime.date
) -> Registered | Refused:
    """Register the address that the request came from in the token's slot.

    A refusal is given back, not raised, because the slot remembers since which day it fails.
    Raises UnknownToken. `day` is today in UTC.
    """
    slot = session.scalar(select(Slot).where(Slot.token_hash == hash_token(token)))
    if slot is None:
        raise UnknownToken
    account = lock_account(session, slot.account_id)
    try:
        if not is_let_in(account, day):
            raise LetInNoLonger
        judge_address(address, rules)
    except Refused as refusal:
        slot.failing_since = slot.failing_since or day
        return refusal
    slot.failing_since, slot.failure_mailed = None, False
    network = household_network(address, rules.ipv6_prefix)
    return Registered(network, hold_network(session, slot, network))


def is_let_in(account: Account, day: datetime.date) -> bool:
    """Say whether the account's addresses are let in on `day`."""
    paid = account.paid_until is None or day <= account.paid_until
    return account.active and account.confirmed and paid
