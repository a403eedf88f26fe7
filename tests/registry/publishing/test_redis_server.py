"""What Redis is set to, compared with what is promised; and the way to it."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine

from registry.publishing.publisher import Publisher
from registry.publishing.redis_server import RedisUnavailable, connect, redis_faults
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import HEAD, decode_head
from tests.peers.ports import free_port
from tests.peers.redis_sentinel import DISKLESS, SentinelTrio
from tests.peers.redis_server import RedisServer
from tests.peers.waiting import wait_until
from tests.registry.publishing.households import TODAY, Households
from tests.registry.publishing.settled import pending, published

WRONG = {
    "save": "3600 1",
    "appendonly": "yes",
    "slowlog-log-slower-than": "10000",
    "maxmemory-policy": "allkeys-lru",
}


def test_a_redis_that_forgets_is_good(redis_server: RedisServer) -> None:
    """Nothing on disk, no slow log, nothing thrown away: no fault."""
    with redis_server.client() as client:
        assert redis_faults(client) == []


@pytest.mark.parametrize("setting", WRONG)
def test_each_setting_that_breaks_a_promise_is_named_with_its_cure(
    own_redis_server: RedisServer, setting: str
) -> None:
    """One line says what it is, why that is bad, and the command that mends it, which does."""
    with own_redis_server.client() as client:
        client.config_set(setting, WRONG[setting])
        (fault,) = redis_faults(client)
        assert fault.setting == setting
        assert f"CONFIG SET {setting} {fault.wanted!r}" in str(fault)
        client.config_set(setting, fault.wanted)
        assert redis_faults(client) == []


def test_a_redis_that_tells_nothing_is_a_fault(own_redis_server: RedisServer) -> None:
    """Where CONFIG is not allowed nobody can check, and that is said."""
    with own_redis_server.client() as client:
        client.acl_setuser(
            "registry", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config"]
        )
        with redis.Redis(port=own_redis_server.port, username="registry", password="") as limited:
            (fault,) = redis_faults(limited)
    assert fault.setting == "CONFIG"


@pytest.mark.processes
def test_replication_by_way_of_the_disk_is_a_fault_on_both_ends(tmp_path: Path) -> None:
    """A master that writes a file for its replica, and a replica that receives into one."""
    master, replica = RedisServer(tmp_path), RedisServer(tmp_path, *DISKLESS)
    master.start()
    replica.start()
    try:
        with master.client() as one, replica.client() as other:
            other.replicaof("127.0.0.1", master.port)
            wait_until(lambda: one.info("replication")["connected_slaves"] == 1)
            one.config_set("repl-diskless-sync", "no")
            other.config_set("repl-diskless-load", "disabled")
            assert [fault.setting for fault in redis_faults(one)] == ["repl-diskless-sync"]
            assert [fault.setting for fault in redis_faults(other)] == ["repl-diskless-load"]
    finally:
        master.kill()
        replica.kill()


def test_no_sentinel_is_one_plain_error() -> None:
    """The text names no host and no password."""
    with pytest.raises(RedisUnavailable, match="no Sentinel names a master"):
        connect(f"redis+sentinel://x:secret@127.0.0.1:{free_port()}/service")


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[SentinelTrio]:
    """A trio with a master and a replica."""
    trio = SentinelTrio(tmp_path)
    try:
        trio.start()
        yield trio
    finally:
        trio.stop()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.processes
def test_the_publisher_follows_a_fail_over_to_a_replica_that_lagged(
    engine: Engine, households: Households, sentinels: SentinelTrio
) -> None:
    """The new master lacks a change; everything is published there under a higher epoch."""
    account = households.add("192.0.2.1/32", "192.0.2.2/32", region="us")
    publisher = Publisher(engine, sentinels.url, lambda: TODAY)
    master, replica = sentinels.servers
    publisher.turn()
    with master.client() as before, replica.client() as after:
        assert before.wait(1, 30_000) == 1
        assert decode_head(before.get(HEAD)) == Head(1, 0)
        with sentinels.replica_cut_off():
            households.let_go(account, "192.0.2.1/32")
            publisher.turn()
            assert decode_head(before.get(HEAD)) == Head(1, 1)
            sentinels.kill_master()
        assert decode_head(after.get(HEAD)) == Head(1, 0)

        def is_published() -> bool:
            publisher.turn()
            with contextlib.suppress(redis.ConnectionError):  # a replica that becomes the master
                head = decode_head(after.get(HEAD))
                return head > Head(1, 1) and published(after) == households.should_be(TODAY)
            return False

        wait_until(is_published)
    publisher._redis.close()
    assert pending(engine) == 0


def test_nothing_that_was_published_is_on_the_disk_of_redis(
    own_redis_server: RedisServer, tmp_path: Path
) -> None:
    """Not even after it was told to stop in good order."""
    with own_redis_server.client() as client:
        client.hset("mediastreamer:v1:grants", "192.0.2.1/32", "region=us")
    subprocess.run(["kill", "-TERM", str(own_redis_server.pid)], check=True)
    assert own_redis_server._process is not None
    own_redis_server._process.wait(10)
    files = [file for file in tmp_path.iterdir() if file.is_file()]
    assert not [file for file in files if b"192.0.2.1" in file.read_bytes()]
    assert not [file for file in files if file.suffix in {".rdb", ".aof"}]
