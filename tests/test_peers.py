"""The peers themselves: a test that runs on nothing proves nothing."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer
from tests.peers.waiting import undisturbed_s


def test_redis_is_real_and_keeps_nothing_on_disk(redis_server: RedisServer) -> None:
    """Its settings are those of the product: nothing outlives the process."""
    with redis_server.client() as client:
        assert client.config_get("save")["save"] == ""
        assert client.config_get("appendonly")["appendonly"] == "no"


def test_both_databases_are_real(database_url: str) -> None:
    """SQLite and PostgreSQL each answer a statement."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


def test_the_undisturbed_clock_goes_on_while_nobody_disturbs() -> None:
    """A sleep counts, as a wait for a peer does; a wait for a processor is taken off."""
    began, undisturbed = time.monotonic(), undisturbed_s()
    time.sleep(0.05)
    passed, counted = time.monotonic() - began, undisturbed_s() - undisturbed
    assert 0.04 < counted <= passed + 0.01


@pytest.mark.processes
def test_no_port_is_given_twice_nor_to_outgoing_connections() -> None:
    """Neither here nor by another process of these tests."""
    ours = {free_port() for _ in range(20)}
    program = "from tests.peers.ports import free_port; print(free_port())"
    theirs = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert len({*ours, int(theirs.stdout)}) == 21
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert max(*ours, int(theirs.stdout)) < int(ephemeral[0])


async def test_an_async_test_really_runs() -> None:
    """The reactor turns while it waits."""
    from twisted.internet import reactor
    from twisted.internet.task import deferLater

    assert await deferLater(reactor, 0, lambda: 42) == 42
