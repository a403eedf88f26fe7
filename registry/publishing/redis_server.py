"""The registry's connection to Redis, and the settings that Redis must have."""

import time
from dataclasses import dataclass
from typing import Any, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from smartdns.contract.redis_url import SentinelService, parse_redis_url

CONNECT_WITHIN_S = 2.0
ANSWER_WITHIN_S = 5.0
ASK_SENTINEL_EVERY_S = 5.0
"""A former master that has been replaced still answers, so an answer alone proves nothing."""


class RedisUnavailable(Exception):  # noqa: N818 - a state, not a mistake
    """Redis cannot be used at present; the text contains no data."""


def connect(url: str) -> redis.Redis:
    """Give a client of the server, or of the master that the Sentinels name; it does not retry.

    Raises ValueError for a bad URL, and RedisUnavailable if no Sentinel names a master.
    """
    return RedisConnection(url).client()


def is_reachable(url: str) -> bool:
    """Say whether the server answers and accepts our login; ValueError for a bad URL."""
    connection = RedisConnection(url)
    try:
        return bool(connection.client().ping())
    except (redis.RedisError, RedisUnavailable):
        return False
    finally:
        connection.close()


class RedisConnection:
    """The address of Redis, and one client of it until `close`."""

    def __init__(self, url: str) -> None:
        """Raise ValueError for a bad URL (`contract.redis_url`)."""
        self._server = parse_redis_url(url)
        self._client: redis.Redis | None = None
        self._url: str | None = None
        self._asked_at = 0.0

    def client(self) -> redis.Redis:
        """Give the client; it is replaced when the Sentinels name another master."""
        now = time.monotonic()
        if self._client is None or now - self._asked_at > ASK_SENTINEL_EVERY_S:
            url = self._server if isinstance(self._server, str) else master_of(self._server)
            if self._client is None or url != self._url:
                self.close()
                self._client, self._url = _client(url), url
            self._asked_at = now
        return self._client

    def close(self) -> None:
        """Disconnect; the next call of `client` connects again."""
        if self._client is not None:
            self._client.close()
        self._client = None


def master_of(service: SentinelService) -> str:
    """Ask the Sentinels in turn for the master; the first answer counts."""
    for host, port in service.sentinels:
        with _client(service.url_of_sentinel(host, port)) as sentinel:
            try:
                found = cast("Any", sentinel.sentinel_get_master_addr_by_name(service.service))
            except redis.RedisError:
                continue
        if found is not None:
            host_of_master, port_of_master = found
            return service.url_of(_text(host_of_master), int(port_of_master))
    raise RedisUnavailable("no Sentinel names a master")


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        protocol=2,
        socket_connect_timeout=CONNECT_WITHIN_S,
        socket_timeout=ANSWER_WITHIN_S,
        # A retry by redis-py could silently continue on another server.
        retry=Retry(NoBackoff(), 0),
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


@dataclass(frozen=True, slots=True)
class RedisFault:
    """A setting with which Redis stores what it must not, or drops what it must keep."""

    setting: str
    found: str
    wanted: str
    reason: str

    def __str__(self) -> str:
        return (
            f"Redis has {self.setting} {self.found!r}, {self.reason}: "
            f"redis-cli CONFIG SET {self.setting} {self.wanted!r}, and set it in its configuration"
        )


_WANTED = (
    ("save", "", "so grants are written to its disk"),
    ("appendonly", "no", "so every change is written to its disk"),
    ("slowlog-log-slower-than", "-1", "so its slow log stores networks with a time"),
    ("maxmemory-policy", "noeviction", "so it may delete grants"),
)
_WANTED_OF_MASTER = (
    "repl-diskless-sync",
    "yes",
    "so it writes grants to its disk for each new replica",
)
_WANTED_OF_REPLICA = (
    "repl-diskless-load",
    "swapdb",
    "so it writes the grants it receives to its disk",
)
_ALSO_GOOD = {("repl-diskless-load", "on-empty-db"), ("repl-diskless-load", "flush-before-load")}


def redis_faults(connection: redis.Redis) -> list[RedisFault]:
    """Give the settings of Redis that break a promise; an empty list is good.

    If Redis does not allow us to read its settings, that is the fault.
    """
    replication = connection.info("replication")
    wanted = list(_WANTED)
    if replication.get("role") == "slave":
        wanted.append(_WANTED_OF_REPLICA)
    elif replication.get("connected_slaves"):
        wanted.append(_WANTED_OF_MASTER)
    try:
        found = {name: _setting(connection, name) for name, _, _ in wanted}
    except redis.ResponseError:
        return [
            RedisFault("CONFIG", "not allowed", "allowed", "so nobody can check what it stores")
        ]
    return [
        RedisFault(name, found[name], value, reason)
        for name, value, reason in wanted
        if found[name] != value and (name, found[name]) not in _ALSO_GOOD
    ]


def _setting(connection: redis.Redis, name: str) -> str:
    found = cast("dict[Any, Any]", connection.config_get(name))
    return _text(next(iter(found.values()), ""))
