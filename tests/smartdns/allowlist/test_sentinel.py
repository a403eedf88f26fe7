"""Redis fails over to a replica: what the follower makes of it, with real Sentinels."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from smartdns.contract.grants import Profile
from tests.peers.redis_sentinel import SentinelTrio, is_master
from tests.smartdns.allowlist.by_hand import GARDEN, HOME, Published, in_step, let_in, until
from tests.smartdns.allowlist.conftest import FollowerOf

pytestmark = pytest.mark.processes


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[SentinelTrio]:
    """A trio with a master and a replica."""
    trio = SentinelTrio(tmp_path)
    try:
        trio.start()
        yield trio
    finally:
        trio.stop()


async def test_a_fail_over_is_followed(sentinels: SentinelTrio, follower_of: FollowerOf) -> None:
    """The master dies; the replica that takes over has the same head, and goes on from there."""
    master, replica = sentinels.servers
    with master.client() as before, replica.client() as after:
        published = Published(before)
        published.rebuild({HOME: Profile("us")})
        follower = follower_of(sentinels.url)
        await in_step(follower, published)
        published.change(GARDEN, Profile("gb"))
        await in_step(follower, published)
        assert before.wait(1, 30_000) == 1
        sentinels.kill_master()
        await until(lambda: sentinels.master_port() == replica.port)
        assert let_in(follower.mirror, HOME) == Profile("us"), "nobody was locked out meanwhile"
        published.client = after
        await until(lambda: is_master(after))
        published.change(HOME, None)
        await in_step(follower, published)


async def test_a_lagging_replica_that_takes_over_brings_no_old_state_back(
    sentinels: SentinelTrio, follower_of: FollowerOf
) -> None:
    """It never saw the removal; the mirror did, and waits for the registry to publish again."""
    master, replica = sentinels.servers
    with master.client() as before, replica.client() as after:
        published = Published(before)
        published.rebuild({HOME: Profile("us"), GARDEN: Profile("gb")})
        assert before.wait(1, 30_000) == 1
        follower = follower_of(sentinels.url)
        await in_step(follower, published)
        with sentinels.replica_cut_off():
            published.change(HOME, None)
            await in_step(follower, published)
            sentinels.kill_master()
        await until(lambda: "older" in (follower.trouble or ""))
        assert follower.mirror.head == published.head
        assert let_in(follower.mirror, HOME) is None
        assert let_in(follower.mirror, GARDEN) == Profile("gb")
        published.client = after
        published.rebuild()
        await in_step(follower, published)
