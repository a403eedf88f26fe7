"""What is pending reaches Redis whole, once, and in order."""

import ipaddress
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import Engine

from registry.database.engine import make_readers, make_sessions
from registry.models import Registration, Slot, SlotKind
from registry.pending import mark_pending
from registry.publishing.drain import DrainOutcome, drain
from registry.publishing.heads import database_head, readable_head
from registry.publishing.rebuild import rebuild
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import CHANGES, HEAD, decode_message
from tests.peers.redis_server import RedisServer
from tests.registry.publishing.households import TODAY, Households
from tests.registry.publishing.settled import pending, published, settle

KILLED = Path(__file__).with_name("killed_registry.py")


def test_a_first_drain_asks_for_a_rebuild_and_the_next_publishes(
    engine: Engine, households: Households, redis_server: RedisServer
) -> None:
    """From nothing: heads disagree, a rebuild makes them agree, and then changes go out."""
    households.add("192.0.2.1/32", region="us")
    with redis_server.client() as client:
        assert drain(engine, client, TODAY) is DrainOutcome.DISAGREEING
        assert rebuild(engine, client, TODAY) == Head(1, 0)
        assert published(client) == households.should_be(TODAY)
        assert drain(engine, client, TODAY) is DrainOutcome.NOTHING_LEFT
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
        assert drain(engine, client, TODAY) is DrainOutcome.NOTHING_LEFT
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


def test_exactly_the_rows_that_were_read_are_deleted(
    engine: Engine, households: Households, redis_server: RedisServer
) -> None:
    """A row that is written while a drain is under way is there for the next one."""
    first = households.add("192.0.2.1/32", region="us")
    with redis_server.client() as client:
        rebuild(engine, client, TODAY)

        class Interrupted(redis.Redis):
            """Redis that takes long enough for an action to commit meanwhile."""

            def pipeline(self, *arguments: Any, **options: Any) -> Any:
                households.alter(first, region="gb")
                return super().pipeline(*arguments, **options)

        with Interrupted(port=redis_server.port) as slow:
            drain(engine, slow, TODAY)
        assert pending(engine) == 1
        drain(engine, client, TODAY)
        assert pending(engine) == 0
        assert published(client) == households.should_be(TODAY)


def test_large_changes_go_out_in_parts_of_bounded_size(
    engine: Engine, households: Households, redis_server: RedisServer
) -> None:
    """A drain takes its share and says that there is more; messages stay short."""
    with redis_server.client() as client, client.pubsub() as listener:
        rebuild(engine, client, TODAY)
        listener.subscribe(CHANGES)
        networks = [f"10.0.{n >> 8}.{n & 255}/32" for n in range(250)]
        holder = households.add()
        with make_sessions(engine).begin() as session:
            slots = [Slot(account_id=holder, kind=SlotKind.OPERATOR) for _ in networks]
            session.add_all(slots)
            session.flush()
            for slot, network in zip(slots, map(ipaddress.ip_network, networks), strict=True):
                session.add(Registration(slot_id=slot.id, family=4, network=network, choice=0))
            mark_pending(session, map(ipaddress.ip_network, networks))
        assert drain(engine, client, TODAY, most=200) is DrainOutcome.MORE_PENDING
        assert drain(engine, client, TODAY, most=200) is DrainOutcome.NOTHING_LEFT
        assert published(client) == households.should_be(TODAY)
        assert len(published(client)) == 250
        listener.get_message(timeout=5)
        sizes = []
        while message := listener.get_message(timeout=0.2):
            sizes.append(len(decode_message(message["data"])))
        assert sizes == [100, 100, 50]


def test_of_two_drains_at_once_one_publishes(
    engine: Engine, households: Households, redis_server: RedisServer
) -> None:
    """Even without the lock: who comes second finds the head moved and changes nothing."""
    account = households.add("192.0.2.1/32", region="us")
    with redis_server.client() as client:
        rebuild(engine, client, TODAY)
        drain(engine, client, TODAY)
        households.alter(account, region="gb")

        class Overtaken(redis.Redis):
            """Redis to which another drain was quicker, between its WATCH and its EXEC."""

            def pipeline(self, *arguments: Any, **options: Any) -> Any:
                pipe = super().pipeline(*arguments, **options)
                plain = pipe.hmget

                def hmget(*asked: Any) -> Any:
                    found = plain(*asked)
                    assert drain(engine, client, TODAY) is DrainOutcome.NOTHING_LEFT
                    return found

                pipe.hmget = hmget
                return pipe

        with Overtaken(port=redis_server.port) as late:
            assert drain(engine, late, TODAY) is DrainOutcome.OVERTAKEN
        assert readable_head(client.get(HEAD)) == Head(1, 1)
        assert published(client) == households.should_be(TODAY)


STAGES = {
    "before the publisher looks": "commit",
    "after positions are taken": "multi",
    "in the middle of the MULTI": "execute_command",
    "after Redis has it": "delete",
}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES.keys())
def test_a_registry_killed_anywhere_loses_nothing(
    engine: Engine, households: Households, redis_server: RedisServer, stage: str
) -> None:
    """A real process dies by SIGKILL after its commit; who comes after publishes it, whole."""
    leaving = households.add("192.0.2.1/32", region="us")
    with redis_server.client() as client:
        settle(engine, client)
        before = published(client)
        url = engine.url.render_as_string(hide_password=False)
        died = subprocess.run(
            [sys.executable, str(KILLED), url, redis_server.url, stage, str(leaving)],
            check=False,
            timeout=120,
        )
        assert died.returncode == -signal.SIGKILL
        expected = households.should_be(TODAY)
        assert [str(network) for network in expected] == ["192.0.2.2/32", "2001:db8:0:2::/64"]
        assert published(client) in (expected, before), "never half"
        settle(engine, client)
        assert published(client) == expected
        assert pending(engine) == 0
