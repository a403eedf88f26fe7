"""Tokens that can do one thing: report where a home is now."""

import base64
import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy.orm import Session

from registry.actions.errors import UnknownSlot
from registry.actions.find_account import lock_account
from registry.actions.slots import find_slot, open_slot
from registry.models import SlotKind
from registry.pending import note_networks


@dataclass(frozen=True, slots=True, repr=False)
class IssuedToken:
    """A new token, in clear this once; we keep its hash."""

    number: int
    """Of its slot."""
    username: str
    """What to enter as the user name; any other would do as well."""
    token: str
    """Lower-case letters and digits, so that no router has to escape it."""

    def link(self, public_url: str) -> str:
        """Address that registers whoever opens it."""
        return f"{public_url}/u/{self.token}"


def issue_token(session: Session, account_id: int, label: str = "", *, limit: int) -> IssuedToken:
    """Open a slot for an updater and give its token."""
    slot = open_slot(session, account_id, SlotKind.UPDATER, limit=limit, label=label)
    token = base64.b32encode(secrets.token_bytes(20)).decode().lower()  # 160 bits
    slot.token_hash = hash_token(token)
    number = slot.number or 0
    return IssuedToken(number, f"updater-{number}", token)


def revoke_slot(session: Session, account_id: int, number: int) -> None:
    """Close a slot with all that it is: its token or host name, and its addresses."""
    lock_account(session, account_id)
    slot = find_slot(session, account_id, number)
    if slot.kind is SlotKind.OPERATOR:
        raise UnknownSlot
    note_networks(session, [held.network for held in slot.registrations])
    session.delete(slot)
    session.flush()


def hash_token(token: str) -> str:
    """SHA-256 in hex; the token has 160 random bits, so nothing slower is due."""
    return hashlib.sha256(token.encode()).hexdigest()
