"""Publishing the pending networks once: from database rows to one MULTI in Redis."""

import datetime
import enum
from collections.abc import Sequence

import redis
from redis.client import Pipeline
from sqlalchemy import Engine, delete, select, type_coerce
from sqlalchemy.types import String

from registry.database.engine import make_readers, make_sessions
from registry.models import PendingNetwork
from registry.publishing.grants import grants_for
from registry.publishing.heads import database_head, readable_head, reserve_positions
from smartdns.contract.grants import GrantChange, Head, Profile
from smartdns.contract.redis_layout import (
    CHANGES,
    GRANTS,
    HEAD,
    decode_network,
    encode_head,
    encode_message,
    encode_profile,
)

MOST_AT_ONCE = 500
LINES_PER_MESSAGE = 100
"""With more, a mirror would spend over a millisecond on one message."""


class DrainOutcome(enum.Enum):
    """How a drain ended."""

    NOTHING_LEFT = enum.auto()
    MORE_PENDING = enum.auto()
    OVERTAKEN = enum.auto()
    """Another process changed the head meanwhile: drain again."""
    DISAGREEING = enum.auto()
    """Redis and the database have different heads: a rebuild is necessary."""


def drain(
    engine: Engine, connection: redis.Redis, today: datetime.date, most: int = MOST_AT_ONCE
) -> DrainOutcome:
    """Publish up to `most` pending rows. The caller must have the publishing lock.

    1. Read the pending rows, then the grants that their networks should have.
    2. Reserve positions in the database and commit, so that no position is used twice.
    3. MULTI: grants, head, announcement; only if the head in Redis is unchanged.
    4. Delete the rows that were read, and no others.

    If the process is killed after 2, the heads disagree and the next drain asks for a rebuild. If
    it is killed after 3, the next drain reads the same rows again and finds no difference.
    """
    with make_readers(engine).begin() as session:
        columns = PendingNetwork.id, type_coerce(PendingNetwork.network, String)
        rows = session.execute(select(*columns).order_by(PendingNetwork.id).limit(most)).all()
        ours = database_head(session)
    with connection.pipeline(transaction=True) as pipe:
        pipe.watch(HEAD)  # type: ignore[no-untyped-call]
        if readable_head(pipe.get(HEAD)) != ours:
            return DrainOutcome.DISAGREEING
        if not rows:
            return DrainOutcome.NOTHING_LEFT
        changes = _differences(engine, pipe, list(dict.fromkeys(row[1] for row in rows)), today)
        if changes and not _publish(engine, pipe, ours, changes):
            return DrainOutcome.OVERTAKEN
    with make_sessions(engine).begin() as session:
        session.execute(delete(PendingNetwork).where(PendingNetwork.id.in_(row[0] for row in rows)))
    return DrainOutcome.MORE_PENDING if len(rows) == most else DrainOutcome.NOTHING_LEFT


def _differences(
    engine: Engine, pipe: Pipeline, networks: Sequence[str], today: datetime.date
) -> list[tuple[str, Profile | None]]:
    published = pipe.hmget(GRANTS, networks)
    with make_readers(engine).begin() as session:
        desired = grants_for(session, networks, today)
    return [
        (network, desired.get(network))
        for network, text in zip(networks, published, strict=True)
        if text != _encoded(desired.get(network))
    ]


def _publish(
    engine: Engine, pipe: Pipeline, ours: Head, differences: list[tuple[str, Profile | None]]
) -> bool:
    with make_sessions(engine).begin() as session:
        if not reserve_positions(session, ours, len(differences)):
            return False
    changes = [
        GrantChange(Head(ours.epoch, position), decode_network(network), profile)
        for position, (network, profile) in enumerate(differences, start=ours.position + 1)
    ]
    pipe.multi()
    for network, profile in differences:
        if profile is None:
            pipe.hdel(GRANTS, network)
        else:
            pipe.hset(GRANTS, network, encode_profile(profile))
    pipe.set(HEAD, encode_head(changes[-1].head))
    for begin in range(0, len(changes), LINES_PER_MESSAGE):
        pipe.publish(CHANGES, encode_message(changes[begin : begin + LINES_PER_MESSAGE]))
    try:
        pipe.execute()
    except redis.WatchError:
        return False
    return True


def _encoded(profile: Profile | None) -> bytes | None:
    """Give the value that Redis should have for this profile."""
    return None if profile is None else encode_profile(profile).encode()
