import json

import pytest

from smartdns.contract.redis_layout import GRANTS
from tests.cli.conftest import Run
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer


@pytest.fixture
def beside_redis(
    installed: Run, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> RedisServer:
    """A Redis for the installation, with nothing published yet."""
    monkeypatch.setenv("MEDIASTREAMER_REDIS_URL", redis_server.url)
    installed("address", "add", "anna@example.com", "8.8.8.8")
    return redis_server


def test_status_before_and_after_a_rebuild(installed: Run, beside_redis: RedisServer) -> None:
    """Nothing published is a finding; after a rebuild both sides have the same head."""
    assert "nothing published" in installed("allowlist", "status", status=1).stdout
    assert "epoch 1" in installed("allowlist", "rebuild").stdout
    found = json.loads(installed("allowlist", "status", "--json").stdout)
    assert found["good"]
    assert found["database"] == found["redis"]
    assert found["grants"] == 1


def test_check_finds_what_differs(installed: Run, beside_redis: RedisServer) -> None:
    """A network that somebody wrote into Redis is counted, not shown, and a rebuild removes it."""
    installed("allowlist", "rebuild")
    installed("allowlist", "check")
    with beside_redis.client() as client:
        client.hset(GRANTS, "9.9.9.9/32", "-")
    result = installed("allowlist", "check", status=1)
    assert "1 networks differ" in result.stderr
    assert "9.9.9.9" not in result.output
    assert json.loads(installed("allowlist", "check", "--json", status=1).stdout)["differing"] == 1
    installed("allowlist", "rebuild")
    installed("allowlist", "check")


def test_redis_that_keeps_things_is_a_finding(installed: Run, beside_redis: RedisServer) -> None:
    """A slow log switched on makes status fail, with the command that mends it."""
    installed("allowlist", "rebuild")
    with beside_redis.client() as client:
        client.config_set("slowlog-log-slower-than", "10000")
        result = installed("allowlist", "status", status=1)
        client.config_set("slowlog-log-slower-than", "-1")
    assert "CONFIG SET slowlog-log-slower-than" in result.stderr


@pytest.mark.parametrize("command", ["status", "check", "rebuild"])
def test_unreachable_redis_is_one_line(
    installed: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """The line names the setting; the exit status is 1."""
    monkeypatch.setenv("MEDIASTREAMER_REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert "MEDIASTREAMER_REDIS_URL" in installed("allowlist", command, status=1).stderr
