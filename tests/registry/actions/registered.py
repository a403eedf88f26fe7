"""What the account of the tests has, and what is to be published about it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.models import PendingNetwork
from smartdns.contract.addresses import parse_network

NETWORK = parse_network("8.8.8.8")


def pending(session: Session) -> list[object]:
    """Networks to be published."""
    return list(session.scalars(select(PendingNetwork.network)))
