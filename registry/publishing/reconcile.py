"""Comparing every grant in Redis with the database, in small steps."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field

import redis
from sqlalchemy import Engine

from registry.database.engine import make_readers
from registry.publishing.grants import grant_texts_after, grants_for
from smartdns.contract.addresses import Network
from smartdns.contract.redis_layout import GRANTS, LayoutError, decode_network, encode_network

STEP_SIZE = 500


@dataclass(slots=True)
class ComparisonStep:
    """The result of one step."""

    networks: int
    """Number of networks compared in this step."""
    differing: list[Network] = field(default_factory=list, repr=False)
    """Missing, surplus or different in Redis; pending networks may be among them."""
    unreadable: int = 0
    """Number of fields that are not a network in normal form: only a rebuild removes them."""


def compare(
    engine: Engine, connection: redis.Redis, today: datetime.date
) -> Iterator[ComparisonStep]:
    """Compare the database's grants with Redis; if Redis has more fields, find the surplus."""
    found_count = 0
    after: str | None = ""
    while after is not None:
        with make_readers(engine).begin() as session:
            texts, after = grant_texts_after(session, after, STEP_SIZE, today)
        found = connection.hmget(GRANTS, list(texts)) if texts else []
        found_count += len(found) - found.count(None)
        pairs = zip(texts, found, strict=True)
        differing = [network for network, text in pairs if text != texts[network].encode()]
        yield ComparisonStep(len(texts), [decode_network(network) for network in differing])
    if connection.hlen(GRANTS) > found_count:
        yield from _surplus(engine, connection, today)


def _surplus(
    engine: Engine, connection: redis.Redis, today: datetime.date
) -> Iterator[ComparisonStep]:
    cursor = None
    while cursor != 0:
        cursor, texts = connection.hscan(GRANTS, cursor or 0, count=STEP_SIZE)
        networks = [network for text in texts if (network := _network(text)) is not None]
        with make_readers(engine).begin() as session:
            desired = grants_for(session, [str(network) for network in networks], today)
        surplus = [network for network in networks if str(network) not in desired]
        yield ComparisonStep(0, surplus, unreadable=len(texts) - len(networks))


def _network(field: bytes | str) -> Network | None:
    """Give the network, or None if the field is not its normal form."""
    text = field.decode(errors="replace") if isinstance(field, bytes) else field
    try:
        network = decode_network(text)
    except LayoutError:
        return None
    return network if encode_network(network) == text else None
