"""A master, its replica and three Sentinels, all real, on loopback."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from tests.peers.missing import missing
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer, redis_binary
from tests.peers.waiting import wait_until

SERVICE = "allowlist"
DISKLESS = (
    "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0",
    "--repl-diskless-load", "swapdb",
)  # fmt: skip


class SentinelTrio:
    """Three Sentinels that agree by two who is the master of `SERVICE`."""

    def __init__(self, directory: Path) -> None:
        if "redis-server" not in redis_binary() or shutil.which("redis-server") is None:
            missing("redis-server is not installed: apt-get install redis-server")
        self.directory = directory
        self.servers = [RedisServer(directory, *DISKLESS) for _ in range(2)]
        self.ports = [free_port() for _ in range(3)]
        self._sentinels: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """URL with all three."""
        sentinels = ",".join(f"127.0.0.1:{port}" for port in self.ports)
        return f"redis+sentinel://{sentinels}/{SERVICE}/0"

    def start(self) -> None:
        """Start all five, and wait until they know each other and the replica is in step."""
        master, replica = self.servers
        master.start()
        replica.start()
        with replica.client() as client:
            client.replicaof("127.0.0.1", master.port)
            wait_until(lambda: client.info("replication")["master_link_status"] == "up")
        for port in self.ports:
            self._sentinels.append(self._start_sentinel(port, master.port))
        for port in self.ports:
            with redis.Redis(port=port, retry=Retry(ConstantBackoff(0.02), 200)) as sentinel:
                # By default they look at each other every 2 s and at replicas every 10 s.
                sentinel.execute_command(
                    "SENTINEL",
                    "DEBUG",
                    "info-period",
                    200,
                    "publish-period",
                    100,
                    "ping-period",
                    100,
                )
                wait_until(lambda: _knows_all(sentinel))

    @contextlib.contextmanager
    def replica_cut_off(self) -> Iterator[None]:
        """Let nothing reach the replica, neither from its master nor from a Sentinel.

        Told to follow nobody it would be told otherwise by a Sentinel, half a second later.
        """
        master, replica = self.servers
        os.kill(replica.pid, signal.SIGSTOP)
        try:
            with master.client() as client:
                client.execute_command("CLIENT", "KILL", "TYPE", "replica")
            yield
        finally:
            os.kill(replica.pid, signal.SIGCONT)

    def kill_master(self) -> None:
        """Kill it, and have that noticed soon."""
        master, _ = self.servers
        master.kill()
        for port in self.ports:
            with redis.Redis(port=port, retry=Retry(ConstantBackoff(0.02), 200)) as sentinel:
                sentinel.sentinel_set(SERVICE, "down-after-milliseconds", 500)

    def master_port(self) -> int | None:
        """Whom a majority names."""
        named = [self._named_by(port) for port in self.ports]
        return next((port for port in named if named.count(port) > 1), None)

    def stop(self) -> None:
        """End all that were started."""
        for process in self._sentinels:
            process.kill()
            process.wait()
        for server in self.servers:
            server.kill()

    def _start_sentinel(self, port: int, master: int) -> subprocess.Popen[bytes]:
        file = self.directory / f"sentinel-{port}.conf"
        file.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self.directory}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {master} 2\n"
            # Patient: on a busy machine half a second's silence is no death.
            f"sentinel down-after-milliseconds {SERVICE} 60000\n"
            f"sentinel failover-timeout {SERVICE} 1000\n"
        )
        command = [redis_binary(), str(file), "--sentinel"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def _named_by(self, port: int) -> int | None:
        with redis.Redis(port=port, retry=None) as sentinel:
            found = sentinel.sentinel_get_master_addr_by_name(SERVICE)
            return int(found[1]) if found else None


def is_master(client: "redis.Redis") -> bool:
    """Say whether the server is one; as it becomes one it disconnects its clients."""
    try:
        return bool(client.info("replication")["role"] == "master")
    except redis.ConnectionError:
        return False


def _knows_all(sentinel: "redis.Redis") -> bool:
    try:
        state = sentinel.sentinel_master(SERVICE)
    except redis.RedisError:
        return False
    return (state["num-other-sentinels"], state["num-slaves"]) == (2, 1)
