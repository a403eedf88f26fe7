"""Marking networks whose grants must be published again."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from registry.database.bulk import insert_rows
from registry.models import PendingNetwork
from smartdns.contract.addresses import Network


def mark_pending(session: Session, networks: Iterable[Network]) -> None:
    """Mark these networks as pending; the rows are committed together with the change itself.

    Every action that changes a grant calls this, for the former network and for the new one.
    The publisher computes the grants later, from the database as it is then.
    """
    rows = [{"network": network} for network in dict.fromkeys(networks)]
    if rows:
        session.flush()  # the change itself must come before the rows about it
        insert_rows(session, PendingNetwork, rows)
