"""What is pending reaches Redis whole, once, and in order."""

import redis
from sqlalchemy import Engine, func, select

from registry.database import make_readers
from registry.models import PendingNetwork
from registry.publishing.drain import Drained, drain
from registry.publishing.heads import database_head, readable_head
from registry.publishing.rebuild import rebuild
from smartdns.contract.grants import Head, Profile
from smartdns.contract.redis_layout import (
    CHANGES,
    GRANTS,
    HEAD,
    decode_message,
    decode_network,
    decode_profile,
)
from tests.peers.redis_server import RedisServer
from tests.registry.publishing.households import TODAY, Households


def published(client: redis.Redis) -> dict[object, Profile]:
    """Everything that Redis grants."""
    fields = client.hgetall(GRANTS)
    return {decode_network(network): decode_profile(text) for network, text in fields.items()}


def pending(engine: Engine) -> int:
    """Rows that wait."""
    with make_readers(engine).begin() as session:
        return session.scalar(select(func.count()).select_from(PendingNetwork)) or 0


def test_a_first_drain_asks_for_a_rebuild_and_the_next_publishes(
    engine: Engine, households: Households, redis_server: RedisServer
) -> None:
    """From nothing: heads disagree, a rebuild makes them agree, and then changes go out."""
    households.add("192.0.2.1/32", region="us")
    with redis_server.client() as client:
        assert drain(engine, client, TODAY) is Drained.DISAGREEING
        assert rebuild(engine, client, TODAY) == Head(1, 0)
        assert published(client) == households.should_be(TODAY)
        assert drain(engine, client, TODAY) is Drained.NOTHING_LEFT
        assert pending(engine) == 0
        assert readable_head(client.get(HEAD)) == Head(1, 0), "nothing differed, so nothing rose"


def test_data_head_and_announcement_go_out_together(
    engine: Engine, households: Households, redis_server: RedisServer
) -> None:
    """One message says in order what changed, its last head is the head, and the hash agrees."""
    leaving = households.add("192.0.2.1/32", until=TODAY)
    with redis_server.client() as client, client.pubsub() as listener:
        rebuild(engine, client, TODAY)
        drain(engine, client, TODAY)
        listener.subscribe(CHANGES)
        assert listener.get_message(timeout=5)
        households.add(
            "192.0.2.2/32", "2001:db8:0:1::/64", region="gb", services={"netflix": "off"}
        )
        households.delete(leaving)
        assert drain(engine, client, TODAY) is Drained.NOTHING_LEFT
        message = listener.get_message(timeout=5)
        assert message is not None
        changes = decode_message(message["data"])
        assert [c.head.position for c in changes] == [1, 2, 3]
        assert {str(c.network): c.profile and c.profile.region for c in changes} == {
            "192.0.2.1/32": None,
            "192.0.2.2/32": "gb",
            "2001:db8:0:1::/64": "gb",
        }
        with make_readers(engine).begin() as session:
            assert readable_head(client.get(HEAD)) == Head(1, 3) == database_head(session)
        assert published(client) == households.should_be(TODAY)
