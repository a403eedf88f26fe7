"""Grants, head and changes as they lie in Redis, over two connections that never reconnect.

redis-py's own clients reconnect by themselves: then a subscription loses messages, and a scan goes
on in another server, both without an error. So this module uses bare connections, and any error
ends the session with `FeedLost`: the `Follower` then begins a new session and compares heads.
"""

import contextlib
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from smartdns.contract.grants import GrantChange, Head
from smartdns.contract.redis_layout import (
    CHANGES,
    GRANTS,
    HEAD,
    LayoutError,
    decode_head,
    decode_message,
)
from smartdns.contract.redis_url import SentinelService, parse_redis_url

CONNECT_WITHIN_S = 2.0
ANSWER_WITHIN_S = 5.0
READ_SIZE = 256 * 1024


class FeedLost(Exception):  # noqa: N818 - a state, not a mistake
    """Redis is not to be had at the moment; the text is one of ours and carries no data."""


class FeedSession:
    """One conversation with one server, subscribed to changes before anything is read."""

    def __init__(self, commands: AbstractConnection, messages: AbstractConnection) -> None:
        self._commands = commands
        self._messages = messages

    async def head(self) -> Head | None:
        """Read the published head; None where there is none that this version can read."""
        await _send(self._commands, "GET", HEAD)
        text = await _answer(self._commands)
        try:
            return None if text is None else decode_head(text)
        except LayoutError:
            return None

    async def size(self) -> int:
        """Count the grants."""
        await _send(self._commands, "HLEN", GRANTS)
        return int(await _answer(self._commands))

    async def grants(self, count: int) -> AsyncIterator[list[bytes]]:
        """Yield all grants, about `count` at a time: field, value, field, value and so on.

        What is there from begin to end comes at least once; what changes meanwhile may or may not.
        Redis already looks for the next ones while the caller works on these.
        """
        await _send(self._commands, "HSCAN", GRANTS, b"0", "COUNT", count)
        while True:
            cursor, fields = await _answer(self._commands)
            if cursor != b"0":
                await _send(self._commands, "HSCAN", GRANTS, cursor, "COUNT", count)
            yield fields
            if cursor == b"0":
                return

    async def messages(self) -> AsyncIterator[list[GrantChange | Head]]:
        """Yield what is published from the begin of the session on; [] for what cannot be read."""
        while True:
            kind, _, text = await _answer(self._messages, math.inf)
            if kind == b"message":
                try:
                    yield decode_message(text)
                except LayoutError:
                    yield []


class RedisFeed:
    """The way to Redis, direct or by its Sentinels."""

    def __init__(self, url: str) -> None:
        """Raise ValueError where `url` is none (`contract.redis_url`)."""
        self._place = parse_redis_url(url)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[FeedSession]:
        """Connect and subscribe, and disconnect at the end; FeedLost at any time."""
        async with contextlib.AsyncExitStack() as stack:
            url = self._place if isinstance(self._place, str) else await _master_of(self._place)
            commands = await stack.enter_async_context(_connected(url))
            messages = await stack.enter_async_context(_connected(url))
            if isinstance(self._place, SentinelService):
                await _send(commands, "ROLE")
                if (await _answer(commands))[0] != b"master":
                    raise FeedLost("the Redis that Sentinel names is not a master yet")
            await _send(messages, "SUBSCRIBE", CHANGES)
            await _answer(messages)
            self._url = url
            yield FeedSession(commands, messages)

    async def check_place(self) -> None:
        """Raise FeedLost if Sentinel by now names another master than the session's.

        A master that was cut off and replaced answers on, and hears of no change.
        """
        if isinstance(self._place, SentinelService):
            place = None
            with contextlib.suppress(FeedLost):
                place = await _master_of(self._place)
            if place not in {None, self._url}:
                raise FeedLost("Sentinel names another master")


async def _master_of(place: SentinelService) -> str:
    """Ask the Sentinels in turn; the first that knows the service is believed."""
    for host, port in place.sentinels:
        with contextlib.suppress(FeedLost):
            async with _connected(place.url_of_sentinel(host, port)) as sentinel:
                await _send(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", place.service)
                found = await _answer(sentinel)
                if found is not None:
                    return place.url_of(found[0].decode(), int(found[1]))
    raise FeedLost("no Sentinel names a master")


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[AbstractConnection]:
    arguments: dict[str, Any] = dict(parse_url(url))
    kind = arguments.pop("connection_class", Connection)
    connection: AbstractConnection = kind(
        **arguments,
        protocol=2,
        socket_connect_timeout=CONNECT_WITHIN_S,
        socket_timeout=ANSWER_WITHIN_S,
        socket_read_size=READ_SIZE,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        with _failures():
            await connection.connect()  # type: ignore[no-untyped-call]
        yield connection
    finally:
        with contextlib.suppress(RedisError, OSError):
            await connection.disconnect(nowait=True)


async def _send(connection: AbstractConnection, *command: str | bytes | int) -> None:
    if not connection.is_connected:  # else redis-py would connect again
        raise FeedLost("Redis closed the connection")
    with _failures():
        await connection.send_command(*command, check_health=False)


async def _answer(connection: AbstractConnection, within_s: float | None = None) -> Any:  # noqa: ANN401
    with _failures():
        return await connection.read_response(timeout=within_s)


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except (AuthenticationError, NoPermissionError):
        raise FeedLost("Redis refuses our user or password, or the user may not do this") from None
    except (RedisError, OSError, TimeoutError):
        raise FeedLost("Redis cannot be reached or does not answer") from None
