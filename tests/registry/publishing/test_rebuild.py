"""The whole allowlist anew: under a higher epoch, all or nothing."""

import itertools
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from registry.database.engine import make_sessions
from registry.publishing.drain import DrainOutcome, drain
from registry.publishing.heads import readable_head, skip_epochs_after_restore
from registry.publishing.rebuild import rebuild
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import GRANTS, GRANTS_BEING_BUILT, HEAD, encode_head
from tests.peers.redis_server import RedisServer
from tests.registry.publishing.households import TODAY, Households
from tests.registry.publishing.settled import published, settle

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Statements are tested on both databases in test_grants, test_drain and test_lock."""

OTHER_HEADS = {
    "emptied": None,
    "older": "2 1",
    "far ahead": "7 900",
    "the same epoch, another position": "3 9",
    "unreadable": "x",
}


@pytest.mark.parametrize("head", OTHER_HEADS.values(), ids=OTHER_HEADS.keys())
def test_where_redis_and_database_disagree_everything_is_published_under_a_higher_epoch(
    engine: Engine, households: Households, redis_server: RedisServer, head: str | None
) -> None:
    """Whatever Redis holds, afterwards it holds the truth, and every mirror accepts it."""
    households.add("192.0.2.1/32", region="us")
    with redis_server.client() as client:
        settle(engine, client)
        rebuild(engine, client, TODAY)
        before = rebuild(engine, client, TODAY)
        assert before == Head(3, 0)
        client.flushall()
        if head is not None:
            client.set(HEAD, head)
            client.hset(GRANTS, "198.51.100.66/32", "region=us")
        assert drain(engine, client, TODAY) is DrainOutcome.DISAGREEING
        settle(engine, client)
        after = readable_head(client.get(HEAD))
        assert after is not None
        assert after > max(before, readable_head(head) or before)
        assert published(client) == households.should_be(TODAY)


def test_a_database_brought_back_outranks_what_it_published_before(
    engine: Engine, redis_server: RedisServer
) -> None:
    """After a restore the epoch lies beyond any that the lost one can have reached."""
    with redis_server.client() as client:
        settle(engine, client)
        with make_sessions(engine).begin() as session:
            skip_epochs_after_restore(session)
        client.flushall()
        settle(engine, client)
        head = readable_head(client.get(HEAD))
        assert head is not None
        assert head.epoch > 1_000_000


def test_redis_restarted_in_the_middle_is_not_half_published(
    engine: Engine, households: Households, own_redis_server: RedisServer
) -> None:
    """The parts written before the restart are missing, so nothing of it takes effect."""
    for number in range(3):
        households.add(f"192.0.2.{number}/32")
    told = itertools.count()

    class Restarting(redis.Redis):
        """A client that finds another, empty server after it has written a part."""

        def pipeline(self, *arguments: Any, **options: Any) -> Any:
            if next(told) == 0:
                own_redis_server.kill()
                own_redis_server.start()
                self.hset(f"{GRANTS_BEING_BUILT}1", "192.0.2.2/32", "-")
            return super().pipeline(*arguments, **options)

    with Restarting(port=own_redis_server.port) as client:
        assert rebuild(engine, client, TODAY) is None
        assert client.keys("*") == []
        assert drain(engine, client, TODAY) is DrainOutcome.DISAGREEING
        assert rebuild(engine, client, TODAY) == Head(2, 0)
        assert published(client) == households.should_be(TODAY)


def test_somebody_else_who_publishes_meanwhile_is_not_overwritten(
    engine: Engine, households: Households, redis_server: RedisServer
) -> None:
    """The head moved while we were writing aside: nothing is put in place."""
    households.add("192.0.2.1/32")
    with redis_server.client() as client:

        def overtake(_count: int) -> None:
            client.set(HEAD, encode_head(Head(50, 0)))

        assert rebuild(engine, client, TODAY, overtake) is None
        assert readable_head(client.get(HEAD)) == Head(50, 0)
        assert client.exists(GRANTS) == 0
        settle(engine, client)
        assert readable_head(client.get(HEAD)) == Head(51, 0)


def test_what_an_abandoned_rebuild_leaves_goes_away_by_itself(
    engine: Engine, households: Households, redis_server: RedisServer
) -> None:
    """A part written aside expires; the finished allowlist does not."""
    households.add("192.0.2.1/32")
    with redis_server.client() as client:

        def die(count: int) -> None:
            assert 0 < client.ttl(f"{GRANTS_BEING_BUILT}1") <= 3600
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            rebuild(engine, client, TODAY, die)
        rebuild(engine, client, TODAY)
        assert client.ttl(GRANTS) == -1
        assert published(client) == households.should_be(TODAY)


def test_an_empty_allowlist_is_published_too(engine: Engine, redis_server: RedisServer) -> None:
    """Nobody to let in is something to know: the head says that it is the truth."""
    with redis_server.client() as client:
        client.hset(GRANTS, "192.0.2.1/32", "-")
        settle(engine, client)
        assert readable_head(client.get(HEAD)) == Head(1, 0)
        assert published(client) == {}
