"""The publisher as a service: in its own thread, through every trouble, until it is stopped."""

import datetime
import ipaddress

import pytest
from sqlalchemy import Engine
from twisted.internet.threads import deferToThread

from registry.publishing.publisher import Publisher
from smartdns.contract.redis_layout import GRANTS, HEAD, decode_head
from tests.peers.redis_server import RedisServer
from tests.registry.publishing.conftest import PublisherOf
from tests.registry.publishing.households import TODAY, Households
from tests.registry.publishing.settled import is_published, pending
from tests.smartdns.allowlist.by_hand import pause, until

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Statements are tested on both databases in test_grants, test_drain and test_lock."""


async def test_a_change_is_published_soon_after_its_commit(
    engine: Engine, households: Households, redis_server: RedisServer, publisher_of: PublisherOf
) -> None:
    """Nobody tells the publisher: it looks every 200 ms."""
    publisher = publisher_of(engine, redis_server.url)
    account = households.add("192.0.2.1/32", region="us")
    await until(lambda: is_published(households, redis_server))
    households.alter(account, active=False)
    await until(lambda: is_published(households, redis_server))
    assert households.should_be(TODAY) == {}
    await until(lambda: publisher.trouble is None and pending(engine) == 0)


async def test_an_emptied_redis_is_filled_again_within_seconds(
    engine: Engine, households: Households, redis_server: RedisServer, publisher_of: PublisherOf
) -> None:
    """No change is needed for it to be noticed."""
    households.add("192.0.2.1/32", region="us")
    publisher_of(engine, redis_server.url)
    await until(lambda: is_published(households, redis_server))
    with redis_server.client() as client:
        before = decode_head(client.get(HEAD))
        client.flushall()
        await until(lambda: is_published(households, redis_server), within_s=5)
        assert decode_head(client.get(HEAD)) > before


async def test_redis_down_loses_nothing_and_is_said(
    engine: Engine,
    households: Households,
    own_redis_server: RedisServer,
    publisher_of: PublisherOf,
) -> None:
    """What changes meanwhile waits in the database, and goes out when Redis is back."""
    publisher = publisher_of(engine, own_redis_server.url)
    await until(lambda: is_published(households, own_redis_server))
    own_redis_server.kill()
    households.add("192.0.2.1/32", region="us")
    await until(lambda: publisher.trouble is not None)
    assert "Redis" in publisher.trouble
    assert pending(engine) > 0
    own_redis_server.start()
    await until(lambda: is_published(households, own_redis_server))
    await until(lambda: pending(engine) == 0)


async def test_a_new_day_hands_a_shared_network_to_who_is_left(
    engine: Engine, households: Households, redis_server: RedisServer, publisher_of: PublisherOf
) -> None:
    """Nobody changes anything: expired accounts drop out and regions follow by themselves."""
    days = [TODAY]
    tomorrow = TODAY + datetime.timedelta(1)
    households.add("192.0.2.1/32", region="us")
    households.add("192.0.2.1/32", "192.0.2.2/32", region="gb", until=TODAY)
    publisher_of(engine, redis_server.url, lambda: days[0])
    await until(lambda: is_published(households, redis_server))
    days[0] = tomorrow
    await until(lambda: is_published(households, redis_server, tomorrow))
    with redis_server.client() as client:
        assert client.hgetall(GRANTS) == {b"192.0.2.1/32": b"region=us"}


@pytest.mark.parametrize("field", ["192.0.2.1/32", "198.51.100.66/32", "junk"])
async def test_what_was_changed_behind_its_back_is_put_right(
    engine: Engine,
    households: Households,
    redis_server: RedisServer,
    publisher_of: PublisherOf,
    field: str,
) -> None:
    """A fresh publisher compares everything, with the heads equal."""
    households.add("192.0.2.1/32", region="us")
    first = publisher_of(engine, redis_server.url)
    await until(lambda: is_published(households, redis_server))
    await first.stopService()
    with redis_server.client() as client:
        client.hset(GRANTS, field, "region=fr")
    publisher_of(engine, redis_server.url)
    await until(lambda: is_published_exactly(households, redis_server))


def is_published_exactly(households: Households, server: RedisServer) -> bool:
    """Say whether Redis holds what the database says, unreadable fields included."""
    with server.client() as client:
        fields = {field.decode() for field in client.hkeys(GRANTS)}
    wanted = {str(network) for network in households.should_be(TODAY)}
    return fields == wanted and is_published(households, server)


async def test_stopping_ends_the_thread_even_with_redis_hanging(
    engine: Engine, households: Households, own_redis_server: RedisServer
) -> None:
    """The process need not wait for Redis to answer before it may end."""
    publisher = Publisher(engine, own_redis_server.url, lambda: TODAY)
    publisher.startService()
    thread = publisher._thread
    assert thread is not None
    await until(lambda: publisher.trouble is None)
    with own_redis_server.client() as client:
        client.client_pause(30_000)
    await pause(1.2)
    stopped = publisher.stopService()
    await until(lambda: stopped.called, within_s=3)
    own_redis_server.kill()
    await deferToThread(thread.join)


async def test_actions_of_people_never_wait_for_redis(
    engine: Engine,
    households: Households,
    own_redis_server: RedisServer,
    publisher_of: PublisherOf,
) -> None:
    """With Redis hanging in the middle of a drain, a change still commits at once."""
    publisher_of(engine, own_redis_server.url)
    account = households.add("192.0.2.1/32", region="us")
    await until(lambda: is_published(households, own_redis_server))
    with own_redis_server.client() as client:
        client.client_pause(3_000)
    loop_time = datetime.datetime.now(datetime.UTC)
    for region in ("gb", "fr", "de", "ca"):
        households.alter(account, region=region)
        await pause(0.3)
    assert (datetime.datetime.now(datetime.UTC) - loop_time).total_seconds() < 2.5
    assert pending(engine) > 0
    await until(lambda: is_published(households, own_redis_server))
    assert households.should_be(TODAY)[ipaddress.ip_network("192.0.2.1/32")].region == "ca"
