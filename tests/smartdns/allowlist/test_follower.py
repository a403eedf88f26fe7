"""The follower against a real Redis: from nothing to loaded, changes, gaps and other surprises."""

import asyncio
import ipaddress

import pytest

from smartdns.allowlist.redis_feed import FeedSession
from smartdns.contract.grants import Head, Profile
from smartdns.contract.redis_layout import CHANGES, GRANTS, HEAD, encode_head
from tests.peers.redis_server import RedisServer
from tests.smartdns.allowlist.by_hand import (
    DAY,
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


async def test_it_loads_what_is_published_and_then_each_change(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """Snapshot first, then messages one by one, removals too."""
    async with followed(
        redis_server, follower_of, {HOME: Profile("us"), GARDEN: Profile("gb", {"netflix": "off"})}
    ) as (published, follower):
        snapshots = []
        follower.mirror.on_change(lambda network: snapshots.append(network is None))
        published.change("198.51.100.0/24", Profile(last_day=DAY))
        published.change(GARDEN, None)
        await in_step(follower, published)
        assert snapshots == [False, False], "changes were applied, not read anew"
        assert follower.trouble is None


async def test_one_message_of_many_lines_is_applied_whole(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """The changes of one MULTI come in one message, a line each."""
    async with followed(redis_server, follower_of, {}) as (published, follower):
        lines = [published.change(f"192.0.2.{n}/32", Profile(), tell=False) for n in range(50)]
        published.client.publish(CHANGES, "\n".join(lines))
        await in_step(follower, published, within_s=0.9)


async def test_a_lost_message_is_noticed_within_two_seconds(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """The head runs ahead without a word, so everything is read anew: mirror equals database."""
    async with followed(redis_server, follower_of) as (published, follower):
        await pause(1.2)
        published.change(HOME, None, tell=False)
        await in_step(follower, published, within_s=4)


async def test_a_gap_is_closed_at_once_by_the_next_message(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """A message that does not follow our head shows that one was lost."""
    async with followed(redis_server, follower_of) as (published, follower):
        published.change(HOME, None, tell=False)
        published.change(GARDEN, Profile())
        await in_step(follower, published)


async def test_doubled_and_reordered_messages_change_nothing(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """What was said before is passed over, in whatever order it is said again."""
    async with followed(redis_server, follower_of, {}) as (published, follower):
        said = [published.change(HOME, Profile("us")), published.change(HOME, None)]
        said.append(published.change(GARDEN, Profile("gb")))
        await in_step(follower, published)
        generation = follower.mirror.generation
        for message in [said[0], said[2], said[1], said[0], "1 0", "0 99"]:
            published.client.publish(CHANGES, message)
        last = published.change("192.0.2.9/32", Profile())
        published.client.publish(CHANGES, last)
        await in_step(follower, published)
        assert follower.mirror.generation == generation + 1
        assert let_in(follower.mirror, HOME) is None


async def test_messages_in_the_wrong_order_end_in_the_right_state(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """A later message that comes first is a gap; what is read then holds both."""
    async with followed(redis_server, follower_of) as (published, follower):
        first = published.change(HOME, Profile("gb"), tell=False)
        second = published.change(HOME, None, tell=False)
        published.client.publish(CHANGES, second)
        published.client.publish(CHANGES, first)
        await in_step(follower, published)


JUNK = (b"", b"x", b"1 2 3 4", b"\xff\xfe", b"1 1 192.0.2.9/32 region", b"9 9 x")


async def test_junk_neither_stops_the_following_nor_is_believed(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """What comes behind it on the channel is heard."""
    async with followed(redis_server, follower_of) as (published, follower):
        for junk in JUNK:
            published.client.publish(CHANGES, junk)
        published.change(GARDEN, Profile())
        await in_step(follower, published)


@pytest.mark.parametrize("junk", JUNK)
async def test_a_message_that_cannot_be_read_leads_to_a_look(
    redis_server: RedisServer, follower_of: FollowerOf, monkeypatch: pytest.MonkeyPatch, junk: bytes
) -> None:
    """It may have been any change, so the heads are compared at once and not when it is time."""
    monkeypatch.setattr("smartdns.allowlist.follower.COMPARE_EVERY_S", 30.0)
    async with followed(redis_server, follower_of) as (published, follower):
        published.change(HOME, None, tell=False)
        published.client.publish(CHANGES, junk)
        await in_step(follower, published)


async def test_a_grant_that_cannot_be_read_is_left_out_and_said(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """Others are let in all the same; `trouble` says so without the text."""
    with redis_server.client() as client:
        client.hset(GRANTS, mapping={HOME: "region=us", "192.0.2.8/32": "colour=red", "x": "-"})
        client.set(HEAD, encode_head(Head(1, 0)))
        follower = follower_of(redis_server.url)
        await until(lambda: let_in(follower.mirror, HOME) == Profile("us"))
        assert let_in(follower.mirror, "192.0.2.8/32") is None
        await pause(1.5)
        assert follower.trouble == (
            "Redis holds grants that this version cannot read; they are left out"
        )


async def test_a_rebuild_is_taken_over_whole(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """A new epoch brings a new set, at once upon its announcement."""
    async with followed(
        redis_server, follower_of, {f"192.0.2.{n}/32": Profile("us") for n in range(100)}
    ) as (published, follower):
        published.rebuild({f"192.0.2.{n}/32": Profile("gb") for n in range(50, 150)})
        await in_step(follower, published, within_s=2)


async def test_changes_during_a_long_reading_are_neither_lost_nor_late(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """While 20,000 networks are read aside, removals and additions still come through."""
    with redis_server.client() as client:
        published = Published(client)
        first = int(ipaddress.ip_address("10.0.0.0"))
        many = {f"{ipaddress.ip_address(first + n)}/32": Profile("us") for n in range(20_000)}
        published.rebuild({HOME: Profile("us")})
        follower = follower_of(redis_server.url)
        await in_step(follower, published)
        published.rebuild({**many, HOME: Profile("us")})
        for n in range(0, 3_000, 3):
            published.change(f"{ipaddress.ip_address(first + n)}/32", None)
            published.change(f"172.16.{n >> 8}.{n & 255}/32", Profile("gb"))
            if n % 300 == 0:
                await pause(0.001)
        published.change(HOME, None)
        await in_step(follower, published)


async def test_a_change_just_before_a_reading_is_part_of_it(
    redis_server: RedisServer, follower_of: FollowerOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published after the head was asked for and heard before the reading began: not lost."""
    size = FeedSession.size

    async def changed_meanwhile(session: FeedSession) -> int:
        if published.head.position == 0:
            published.change(GARDEN, Profile("gb"))
            await asyncio.sleep(0.1)
        return await size(session)

    monkeypatch.setattr(FeedSession, "size", changed_meanwhile)
    with redis_server.client() as client:
        published = Published(client)
        published.rebuild({HOME: Profile("us")})
        follower = follower_of(redis_server.url)
        await in_step(follower, published, within_s=3)


async def test_stopping_disconnects_and_starting_again_follows(
    redis_server: RedisServer, follower_of: FollowerOf
) -> None:
    """After stopService no connection of ours is left; the mirror keeps what it had."""
    with redis_server.client() as client:
        published = Published(client)
        published.rebuild({HOME: Profile("us")})
        before = len(client.client_list())
        follower = follower_of(redis_server.url)
        await in_step(follower, published)
        assert len(client.client_list()) == before + 2
        await follower.stopService()
        await until(lambda: len(client.client_list()) == before)
        published.change(GARDEN, Profile())
        await pause(0.05)
        assert let_in(follower.mirror, GARDEN) is None
        follower.startService()
        await in_step(follower, published)
