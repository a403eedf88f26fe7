"""Compare all that Redis holds with the database, in small steps."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine

from registry.database import make_readers
from registry.publishing.drain import encoded
from registry.publishing.grants import grants_after, grants_for
from smartdns.contract.addresses import Network
from smartdns.contract.redis_layout import GRANTS, LayoutError, decode_network

AT_ONCE = 500


@dataclass(slots=True)
class Compared:
    """One step."""

    networks: int
    """Looked at in this step."""
    differing: list[Network] = field(default_factory=list, repr=False)
    """Missing, surplus or other in Redis; what is pending at the moment is among them."""
    unreadable: int = 0
    """Fields that are no network: only a rebuild removes them."""


def compare(engine: Engine, connection: redis.Redis, today: datetime.date) -> Iterator[Compared]:
    """Walk the database for what is missing or other; where counts differ, Redis for the rest."""
    granted = 0
    place: str | None = ""
    while place is not None:
        with make_readers(engine).begin() as session:
            grants, place = grants_after(session, place, AT_ONCE, today)
        granted += len(grants)
        networks = list(grants)
        texts = connection.hmget(GRANTS, networks) if networks else []
        differing = [
            n for n, text in zip(networks, texts, strict=True) if text != encoded(grants[n])
        ]
        yield Compared(len(networks), [decode_network(network) for network in differing])
    if connection.hlen(GRANTS) != granted:
        yield from _surplus(engine, connection, today)


def _surplus(engine: Engine, connection: redis.Redis, today: datetime.date) -> Iterator[Compared]:
    cursor = -1
    while cursor:
        cursor, texts = connection.hscan(GRANTS, max(cursor, 0), count=AT_ONCE)
        step = Compared(0)
        readable: list[str] = []
        for text in texts:
            try:
                readable.append(str(decode_network(text)))
            except LayoutError:
                step.unreadable += 1
        with make_readers(engine).begin() as session:
            desired = grants_for(session, readable, today)
        step.differing = [decode_network(network) for network in readable if network not in desired]
        yield step
