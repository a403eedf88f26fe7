"""The Redis side as an operator sees it: how far it has come, whether it is right, begin anew."""

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
    """Both sides' heads and sizes."""

    database: Head
    redis: Head | None
    grants: int
    """Networks that Redis lets in."""
    pending: int
    """Networks that wait to be published."""
    faults: tuple[str, ...]
    """Settings of Redis that break a promise, each with what mends it."""

    @property
    def good(self) -> bool:
        """Say whether Redis has what the database has published, and forgets what it should."""
        return self.redis == self.database and not self.faults


@contextlib.contextmanager
def _redis(url: str) -> Iterator[redis.Redis]:
    try:
        with contextlib.closing(connect(url)) as connection:
            yield connection
    except redis.RedisError as error:
        raise RedisUnavailable(
            f"Redis does not serve us ({type(error).__name__}): check MEDIASTREAMER_REDIS_URL "
            "and that it runs"
        ) from None


def inspect_allowlist(engine: Engine, redis_url: str) -> AllowlistStatus:
    """Look at both sides; RedisUnavailable where Redis cannot be asked."""
    with make_readers(engine).begin() as session:
        ours = database_head(session)
        pending = session.scalar(select(func.count()).select_from(PendingNetwork)) or 0
    with _redis(redis_url) as connection:
        theirs = readable_head(connection.get(HEAD))
        faults = tuple(str(fault) for fault in redis_faults(connection))
        return AllowlistStatus(ours, theirs, connection.hlen(GRANTS), pending, faults)


def redis_clock(redis_url: str) -> float:
    """Give Redis' own time, in Unix seconds; RedisUnavailable where it cannot be asked."""
    with _redis(redis_url) as connection:
        seconds, microseconds = connection.time()
        return seconds + microseconds / 1e6


def grants_in_redis(redis_url: str, networks: Collection[Network]) -> dict[str, str]:
    """Give those of the networks that Redis lets in, each with its profile's text."""
    texts = [encode_network(network) for network in networks]
    with _redis(redis_url) as connection:
        values = cast("list[bytes | None]", connection.hmget(GRANTS, texts))
    return {text: value.decode() for text, value in zip(texts, values, strict=True) if value}


def count_registrations(engine: Engine) -> int:
    """Say about how many networks a rebuild or comparison has to go through."""
    with make_readers(engine).begin() as session:
        return session.scalar(select(func.count()).select_from(Registration)) or 0


def count_differences(
    engine: Engine, redis_url: str, today: datetime.date, advance: Callable[[int], object]
) -> tuple[int, int]:
    """Compare every grant with the database: how many differ, and how many are pending instead."""
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
    """Publish everything anew under a new epoch; RedisUnavailable where that is not possible."""
    with _redis(redis_url) as connection, publishing_lock(engine, LOCK_WITHIN_S) as ours:
        if not ours:
            raise RedisUnavailable("another process is publishing: try again in a minute")
        for _ in range(ATTEMPTS):
            if (head := rebuild(engine, connection, today, progress)) is not None:
                return head
    raise RedisUnavailable("Redis changed while it was written to: is another registry using it?")
