"""Secrets of updaters: all that they can do is register the address that they are used from.

An updater has two secrets. The token is for routers, which send one GET. The link's secret is for
people: opening the link changes nothing, the button on its page does. Chats and mail programs
open links by themselves, so neither secret can be used in place of the other.
"""

import base64
import datetime
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import Session

from registry.actions.addresses.registering import Registered
from registry.actions.addresses.registrations import register_network
from registry.actions.addresses.rules import AddressRules, judge_address
from registry.actions.addresses.slots import find_slot, open_slot
from registry.actions.errors import AccountInactive, ActionRefused, UnknownSlot, UnknownToken
from registry.actions.find_account import lock_account
from registry.models import Account, Registration, Slot, SlotKind
from registry.pending import mark_pending
from smartdns.contract.addresses import Address, Network, household_network


@dataclass(frozen=True, slots=True, repr=False)
class IssuedToken:
    """The secrets of a new updater in clear text, shown once; only their hashes are stored."""

    number: int
    """Number of its slot."""
    username: str
    """The user name to enter; we accept any other, too."""
    token: str
    """Lower-case letters and digits, so that no router has to escape it."""

    secret: str
    """Of the link for people."""

    def link(self, public_url: str) -> str:
        """Give the link for people: it opens a page with a button."""
        return f"{public_url}/link/{self.secret}"

    def router_link(self, public_url: str) -> str:
        """Give the link for routers: one GET registers the address that it comes from."""
        return f"{public_url}/u/{self.token}"


def issue_token(session: Session, account_id: int, label: str = "", *, limit: int) -> IssuedToken:
    """Open a slot for an updater and give its secrets, or raise SlotsFull."""
    slot = open_slot(session, account_id, SlotKind.UPDATER, limit=limit, label=label)
    token, secret = _random(), _random()
    slot.token_hash, slot.link_hash = hash_token(token), hash_token(secret)
    number = slot.number or 0
    return IssuedToken(number, f"updater-{number}", token, secret)


def _random() -> str:
    return base64.b32encode(secrets.token_bytes(20)).decode().lower()  # 160 bits


def revoke_slot(session: Session, account_id: int, number: int) -> None:
    """Delete a slot with its token or host name and its addresses, or raise UnknownSlot."""
    lock_account(session, account_id)
    slot = find_slot(session, account_id, number)
    if slot.kind is SlotKind.OPERATOR:
        raise UnknownSlot
    mark_pending(session, [one.network for one in slot.registrations])
    session.delete(slot)
    session.flush()


def is_token(session: Session, token: str) -> bool:
    """Say whether an updater has this token."""
    query = select(Slot.id).where(Slot.token_hash == hash_token(token))
    return session.scalar(query) is not None


# Built once, because every router runs this query every few minutes.
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


def unchanged_network(
    session: Session, token: str, address: Address, *, rules: AddressRules, day: datetime.date
) -> Network | None:
    """Give the network of `address` if `token` has already registered it; changes nothing.

    None: call `update_by_token`, which registers it or says what is wrong.
    """
    network = household_network(address, rules.ipv6_prefix)
    found = session.execute(
        _UNCHANGED, {"hash": hash_token(token), "network": network, "day": day}
    ).first()
    return None if found is None else network


def update_by_token(
    session: Session, token: str, address: Address, *, rules: AddressRules, day: datetime.date
) -> Registered | ActionRefused:
    """Register the address that a router's request came from, in the token's slot.

    Raises UnknownToken. A refusal is returned and not raised: the transaction must commit, because
    the slot stores since which day its updater has failed. `day` is today in UTC.
    """
    return _update(session, Slot.token_hash == hash_token(token), address, rules, day)


def update_by_link(
    session: Session, secret: str, address: Address, *, rules: AddressRules, day: datetime.date
) -> Registered | ActionRefused:
    """Do the same for a person who has pressed the button on the page of a link."""
    return _update(session, Slot.link_hash == hash_token(secret), address, rules, day)


def is_link(session: Session, secret: str) -> bool:
    """Say whether an updater's link has this secret."""
    query = select(Slot.id).where(Slot.link_hash == hash_token(secret))
    return session.scalar(query) is not None


def _update(
    session: Session,
    condition: ColumnElement[bool],
    address: Address,
    rules: AddressRules,
    day: datetime.date,
) -> Registered | ActionRefused:
    slot = session.scalar(select(Slot).where(condition))
    if slot is None:
        raise UnknownToken
    account = lock_account(session, slot.account_id)
    try:
        if not is_let_in(account, day):
            raise AccountInactive
        judge_address(address, rules)
    except ActionRefused as refusal:
        slot.failing_since = slot.failing_since or day
        return refusal
    slot.failing_since, slot.failure_mailed = None, False
    network = household_network(address, rules.ipv6_prefix)
    return Registered(network, register_network(session, slot, network))


def is_let_in(account: Account, day: datetime.date) -> bool:
    """Say whether the account's addresses are let in on `day` (UTC)."""
    paid = account.paid_until is None or day <= account.paid_until
    return account.active and account.confirmed and paid


def hash_token(token: str) -> str:
    """Give the SHA-256 in hexadecimal; 160 random bits need no slower hash."""
    return hashlib.sha256(token.encode()).hexdigest()
