"""Which networks must be published anew."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from registry.database.bulk import insert_rows
from registry.models import PendingNetwork
from smartdns.contract.addresses import Network


def mark_pending(session: Session, networks: Iterable[Network]) -> None:
    """Have these networks published anew once this transaction commits; never without it.

    Called by every action that changes what a network may do, for the former and for the new
    network alike. What is published is worked out later, from the database as it is then.
    """
    rows = [{"network": network} for network in dict.fromkeys(networks)]
    if rows:
        session.flush()  # the rows must be newer than the change that they are about
        insert_rows(session, PendingNetwork, rows)
