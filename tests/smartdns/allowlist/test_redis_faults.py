"""What the follower promises whatever becomes of Redis, against real servers."""

import ipaddress
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.threads import deferToThread

from smartdns.allowlist.follower import NOT_YET
from smartdns.allowlist.mirror import Mirror
from smartdns.allowlist.redis_feed import FeedSession
from smartdns.contract.grants import Head, Profile
from tests.peers.redis_server import RedisServer
from tests.peers.waiting import undisturbed_s
from tests.smartdns.allowlist.by_hand import (
    GARDEN,
    HOME,
    Published,
    followed,
    in_step,
    let_in,
    pause,
    until,
)
from tests.smartdns.allowlist.conftest import FollowerOf


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five looks a second in place of one."""
    for constant in ("COMPARE_EVERY_S", "RECONNECT_EVERY_S"):
        monkeypatch.setattr(f"smartdns.allowlist.follower.{constant}", 0.2)


async def test_redis_down_at_start_is_waited_for(
    own_redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """Nobody is let in and it says why; within 5 s of Redis coming it serves."""
    own_redis_server.kill()
    follower = follower_of(own_redis_server.url)
    await until(lambda: follower.trouble != NOT_YET)
    assert not follower.mirror.loaded
    assert follower.trouble == "Redis cannot be reached or does not answer"
    own_redis_server.start()
    with own_redis_server.client() as client:
        Published(client).rebuild({HOME: Profile("us")})
    await until(lambda: let_in(follower.mirror, HOME) is not None, within_s=5)
    assert follower.mirror.loaded


async def test_an_empty_redis_at_start_is_not_an_allowlist(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """Without a head nothing was published, so nothing is known: not ready, rather than empty."""
    follower = follower_of(redis_server.url)
    await until(lambda: "no allowlist" in (follower.trouble or ""))
    assert not follower.mirror.loaded


async def test_redis_gone_leaves_everybody_in_with_one_attempt_a_second(
    own_redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """From memory as before; what listens in Redis's place is called once a second at most."""
    with own_redis_server.client() as client:
        published = Published(client)
        published.rebuild({HOME: Profile("us")})
    follower = follower_of(own_redis_server.url)
    await in_step(follower, published)
    own_redis_server.kill()
    with socket.create_server(("127.0.0.1", own_redis_server.port)) as listener:
        listener.settimeout(0.05)
        calls = await deferToThread(_count_calls, listener, 2.5)
    assert 1 <= calls <= 4
    assert let_in(follower.mirror, HOME) == Profile("us")
    assert follower.mirror.loaded


def _count_calls(listener: socket.socket, seconds: float) -> int:
    calls, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            listener.accept()[0].close()
            calls += 1
        except TimeoutError:
            continue
    return calls


@pytest.mark.parametrize("gone_s", [0.1, 1.3, 1.7])
async def test_redis_back_is_followed_within_a_second(
    own_redis_server: RedisServer, follower_of: FollowerOf, gone_s: float
) -> None:
    """The next attempt is never further away than that; three seconds on two busy cores."""
    async with followed(own_redis_server, follower_of) as (published, follower):
        own_redis_server.kill()
        await until(lambda: follower.trouble is not None)
        await pause(gone_s)
        own_redis_server.start()
        published.rebuild({GARDEN: Profile("gb")})
        await in_step(follower, published, within_s=3)
        assert let_in(follower.mirror, HOME) is None


async def test_redis_restarted_empty_locks_nobody_out(
    own_redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """What is known stays until the registry has published again; then a removal gets through."""
    async with followed(
        own_redis_server, follower_of, {HOME: Profile("us"), GARDEN: Profile("gb")}
    ) as (published, follower):
        own_redis_server.kill()
        own_redis_server.start()
        await until(lambda: "no allowlist" in (follower.trouble or ""))
        assert let_in(follower.mirror, HOME) == Profile("us")
        assert follower.mirror.loaded
        published.rebuild({GARDEN: Profile("gb")})
        await in_step(follower, published, within_s=5)
        assert let_in(follower.mirror, HOME) is None


async def test_redis_emptied_while_it_is_read_locks_nobody_out(
    redis_server: RedisServer, follower_of: FollowerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half an allowlist is none: without a head at its end a reading is thrown away."""
    grants = FeedSession.grants

    async def grants_then_nothing(session: FeedSession, count: int) -> AsyncIterator[Any]:
        published.client.flushall()
        async for fields in grants(session, count):
            yield fields

    async with followed(redis_server, follower_of) as (published, follower):
        monkeypatch.setattr(FeedSession, "grants", grants_then_nothing)
        published.rebuild({HOME: Profile("us"), GARDEN: Profile("gb")})
        await until(lambda: "no allowlist" in (follower.trouble or ""))
        assert let_in(follower.mirror, HOME) == Profile("us")
        monkeypatch.undo()
        published.rebuild()
        await in_step(follower, published)


@pytest.mark.parametrize("head", [Head(1, 8), Head(2, 4)], ids=["older epoch", "older position"])
async def test_an_older_redis_is_not_the_truth(
    redis_server: RedisServer, follower_of: FollowerOf, quick: None, head: Head
) -> None:
    """A replica that lagged comes back with less: the mirror keeps what it has, and says so."""
    with redis_server.client() as client:
        published = Published(client)
        published.head = Head(1, 5)
        published.rebuild({HOME: Profile("us")})
        follower = follower_of(redis_server.url)
        await in_step(follower, published)
        old = Published(client)
        old.head = Head(head.epoch - 1, head.position)
        old.rebuild({GARDEN: Profile("gb")})
        await until(lambda: "older" in (follower.trouble or ""))
        await pause(0.5)
        assert follower.mirror.head == published.head == Head(2, 5)
        assert let_in(follower.mirror, HOME) == Profile("us")
        assert let_in(follower.mirror, GARDEN) is None
        published.rebuild({HOME: Profile("us"), GARDEN: Profile("gb")}, epoch=3)
        await in_step(follower, published)


async def test_a_redis_that_hangs_stalls_nothing_and_is_followed_when_it_goes_on(
    own_redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """A stopped server (SIGSTOP): look-ups and the reactor go on as if nothing were."""
    async with followed(own_redis_server, follower_of) as (published, follower):
        os.kill(own_redis_server.pid, signal.SIGSTOP)
        try:
            longest = await _longest_turn(1.5)
            assert let_in(follower.mirror, HOME) == Profile("us")
        finally:
            os.kill(own_redis_server.pid, signal.SIGCONT)
        assert longest < 0.25
        published.change(HOME, None)
        await in_step(follower, published)


async def _longest_turn(seconds: float) -> float:
    longest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = undisturbed_s()
        await pause(0.01)
        longest = max(longest, undisturbed_s() - began)
    return longest


async def test_a_hanging_redis_is_left_after_five_seconds(
    own_redis_server: RedisServer, follower_of: FollowerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No answer counts as no connection, so that another server may be found."""
    monkeypatch.setattr("smartdns.allowlist.redis_feed.ANSWER_WITHIN_S", 0.5)
    async with followed(own_redis_server, follower_of) as (published, follower):
        published.client.client_pause(2_000)
        await until(lambda: "does not answer" in (follower.trouble or ""))
        assert let_in(follower.mirror, HOME) == Profile("us")
    await until(lambda: follower.trouble is None)


async def test_connections_killed_at_any_moment_lose_nothing(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """Subscription and scan are cut again and again while 5,000 networks are read and changed."""
    with redis_server.client() as client, redis_server.client() as killer:
        published = Published(client)
        first = int(ipaddress.ip_address("10.0.0.0"))
        many = {f"{ipaddress.ip_address(first + n)}/32": Profile("us") for n in range(5_000)}
        published.rebuild(many)
        follower = follower_of(redis_server.url)
        for n in range(0, 100, 2):
            published.change(f"{ipaddress.ip_address(first + n)}/32", None)
            own = {client.client_id(), killer.client_id()}
            for found in killer.client_list():
                if n % 10 == 0 and int(found["id"]) not in own:
                    killer.client_kill_filter(_id=found["id"])
            await pause(0.02)
        await in_step(follower, published)


async def test_a_day_without_word_lets_nobody_in_until_there_is_word(
    own_redis_server: RedisServer, follower_of: FollowerOf, quick: None
) -> None:
    """The limit is a setting (24 h) by the monotonic clock; contact opens the door again."""
    with own_redis_server.client() as client:
        published = Published(client)
        published.rebuild({HOME: Profile("us")})
        shift = [0.0]
        follower = follower_of(own_redis_server.url, now=lambda: time.monotonic() + shift[0])
        await in_step(follower, published)
        told: list[object] = []
        follower.mirror.on_change(told.append)
        own_redis_server.kill()
        await until(lambda: follower.trouble is not None)
        shift[0] = 23 * 3600.0
        await pause(0.5)
        assert let_in(follower.mirror, HOME) == Profile("us")
        shift[0] = 25 * 3600.0
        await until(lambda: not follower.mirror.loaded)
        assert let_in(follower.mirror, HOME) is None
        assert told == [None], "the relay hears of it"
        own_redis_server.start()
        published.rebuild()
        await in_step(follower, published)


async def test_an_emptied_redis_does_not_count_as_word(
    redis_server: RedisServer, follower_of: FollowerOf, quick: None
) -> None:
    """Only the published head, seen, confirms what we have."""
    with redis_server.client() as client:
        published = Published(client)
        published.rebuild({HOME: Profile("us")})
        follower = follower_of(redis_server.url, Mirror(keep_for_s=1.5))
        await in_step(follower, published)
        await pause(2)
        assert follower.mirror.loaded, "confirmed again and again"
        client.flushall()
        await until(lambda: not follower.mirror.loaded)
        published.rebuild()
        await in_step(follower, published)


@pytest.mark.processes
async def test_a_wrong_password_is_said_plainly(tmp_path: Path, follower_of: FollowerOf) -> None:
    """Neither password nor URL is in what it says."""
    server = RedisServer(tmp_path)
    server.start()
    try:
        with server.client() as client:
            client.acl_setuser("reader", enabled=True, passwords=["+right"], keys=["*"])
        url = server.url.replace("redis://", "redis://reader:wrong@")
        follower = follower_of(url)
        await until(lambda: "password" in (follower.trouble or ""))
        assert "wrong" not in (follower.trouble or "")
    finally:
        server.kill()
