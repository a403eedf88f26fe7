"""Which networks changed: stored in the same transaction as the change itself."""

from collections.abc import Iterable

from sqlalchemy import insert
from sqlalchemy.orm import Session

from registry.models import PendingNetwork
from smartdns.contract.addresses import Network


def note_networks(session: Session, networks: Iterable[Network]) -> None:
    """Have the grants of `networks` recomputed and published once this transaction commits."""
    rows = [{"network": network} for network in set(networks)]
    if rows:
        session.execute(insert(PendingNetwork), rows)
