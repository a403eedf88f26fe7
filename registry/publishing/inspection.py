"""The allowlist in Redis, for operators: its state, comparing it, publishing all of it again."""

import contextlib
import datetime
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import cast

import redis
from sqlalchemy import Engine, func, select

from registry.database.engine import make_readers
from registry.models import PendingNetwork, Registration
from registry.publishing.heads import database_head, readable_head
from registry.publishing.lock import publishing_lock
from registry.publishing.rebuild import rebuild
from registry.publishing.reconcile import compare
from registry.publishing.redis_server import RedisUnavailable, connect, redis_faults
from smartdns.contract.addresses import Network
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import GRANTS, HEAD, encode_network

LOCK_WITHIN_S = 10.0
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class AllowlistStatus:
    """The allowlist in the database and in Redis."""

    database: Head
    redis: Head | None
    grants: int
    """Number of networks that Redis lets in."""
    pending: int
    """Number of rows that wait to be published."""
    faults: tuple[str, ...]
    """Settings of Redis that break a promise; each text says what to change."""

    @property
    def good(self) -> bool:
        """Whether Redis has what was published, and its settings keep every promise."""
        return self.redis == self.database and not self.faults


@contextlib.contextmanager
def _redis(url: str) -> Iterator[redis.Redis]:
    try:
        with contextlib.closing(connect(url)) as connection:
            yield connection
    except redis.RedisError as error:
        raise RedisUnavailable(
            f"Redis does not answer us ({type(error).__name__}): check MEDIASTREAMER_REDIS_URL, "
            "and that Redis is running"
        ) from None


def inspect_allowlist(engine: Engine, redis_url: str) -> AllowlistStatus:
    """Read the state of both sides, or raise RedisUnavailable."""
    with make_readers(engine).begin() as session:
        ours = database_head(session)
        pending = session.scalar(select(func.count()).select_from(PendingNetwork)) or 0
    with _redis(redis_url) as connection:
        theirs = readable_head(connection.get(HEAD))
        faults = tuple(str(fault) for fault in redis_faults(connection))
        return AllowlistStatus(ours, theirs, connection.hlen(GRANTS), pending, faults)


def redis_clock(redis_url: str) -> float:
    """Give the time of Redis' machine in Unix seconds, or raise RedisUnavailable."""
    with _redis(redis_url) as connection:
        seconds, microseconds = connection.time()
        return seconds + microseconds / 1e6


def grants_in_redis(redis_url: str, networks: Collection[Network]) -> dict[str, str]:
    """Give network -> profile, both as text, for those networks that Redis lets in."""
    texts = [encode_network(network) for network in networks]
    with _redis(redis_url) as connection:
        values = cast("list[bytes | None]", connection.hmget(GRANTS, texts))
    return {text: value.decode() for text, value in zip(texts, values, strict=True) if value}


def count_registrations(engine: Engine) -> int:
    """Give about how many networks a rebuild or a comparison reads, for its progress bar."""
    with make_readers(engine).begin() as session:
        return session.scalar(select(func.count()).select_from(Registration)) or 0


def count_differences(
    engine: Engine, redis_url: str, today: datetime.date, advance: Callable[[int], object]
) -> tuple[int, int]:
    """Compare every grant with the database; give the numbers of differing and pending networks.

    Networks that are pending do not count as differing.
    """
    differing = set()
    unreadable = 0
    with _redis(redis_url) as connection:
        for step in compare(engine, connection, today):
            differing.update(step.differing)
            unreadable += step.unreadable
            advance(step.networks)
    with make_readers(engine).begin() as session:
        pending = set(session.scalars(select(PendingNetwork.network)))
    return len(differing - pending) + unreadable, len(pending)


def rebuild_allowlist(
    engine: Engine, redis_url: str, today: datetime.date, progress: Callable[[int], object]
) -> Head:
    """Publish every grant again under a new epoch, or raise RedisUnavailable."""
    with _redis(redis_url) as connection, publishing_lock(engine, LOCK_WITHIN_S) as ours:
        if not ours:
            raise RedisUnavailable("another process is publishing now: try again in a minute")
        for _ in range(ATTEMPTS):
            if (head := rebuild(engine, connection, today, progress)) is not None:
                return head
    raise RedisUnavailable("Redis changed during the rebuild: does another registry use it?")
