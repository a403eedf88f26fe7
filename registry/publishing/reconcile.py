"""Compare all that Redis holds with the database, in small steps."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine

from registry.database.engine import make_readers
from registry.publishing.grants import grant_texts_after, grants_for
from smartdns.contract.addresses import Network
from smartdns.contract.redis_layout import GRANTS, LayoutError, decode_network, encode_network

AT_ONCE = 500


@dataclass(slots=True)
class ComparisonStep:
    """One step."""

    networks: int
    """Looked at in this step."""
    differing: list[Network] = field(default_factory=list, repr=False)
    """Missing, surplus or other in Redis; what is pending at the moment is among them."""
    unreadable: int = 0
    """Fields that are no network in its normal form: only a rebuild removes them."""


def compare(
    engine: Engine, connection: redis.Redis, today: datetime.date
) -> Iterator[ComparisonStep]:
    """Walk the database for what is missing or other; if Redis holds more, walk it for the rest."""
    met = 0
    place: str | None = ""
    while place is not None:
        with make_readers(engine).begin() as session:
            texts, place = grant_texts_after(session, place, AT_ONCE, today)
        found = connection.hmget(GRANTS, list(texts)) if texts else []
        met += len(found) - found.count(None)
        pairs = zip(texts, found, strict=True)
        differing = [network for network, text in pairs if text != texts[network].encode()]
        yield ComparisonStep(len(texts), [decode_network(network) for network in differing])
    if connection.hlen(GRANTS) > met:
        yield from _surplus(engine, connection, today)


def _surplus(
    engine: Engine, connection: redis.Redis, today: datetime.date
) -> Iterator[ComparisonStep]:
    cursor = None
    while cursor != 0:
        cursor, texts = connection.hscan(GRANTS, cursor or 0, count=AT_ONCE)
        networks = [network for text in texts if (network := _network(text)) is not None]
        with make_readers(engine).begin() as session:
            desired = grants_for(session, [str(network) for network in networks], today)
        surplus = [network for network in networks if str(network) not in desired]
        yield ComparisonStep(0, surplus, unreadable=len(texts) - len(networks))


def _network(field: bytes | str) -> Network | None:
    """Give the network, if the field is its normal form."""
    text = field.decode(errors="replace") if isinstance(field, bytes) else field
    try:
        network = decode_network(text)
    except LayoutError:
        return None
    return network if encode_network(network) == text else None
