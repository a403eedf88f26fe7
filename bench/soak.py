"""Soak: a mixed load on a real resolver while its upstream flaps and its Redis restarts.

    .venv/bin/python -m bench.soak --minutes 10 --rate 2500

Fails where one answer was wrong, where a cached or steered answer was lost, where memory still
grew in the last half, or where it grew by more than what is kept on purpose may take. Upstream
away: SERVFAIL and stale answers are in order.
"""

import argparse
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.soak_load import KINDS, Load
from smartdns.contract.redis_layout import GRANTS, HEAD
from tests.peers.name_server import NameServer
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer

_STEP_S = 5.0
_BESIDE_CACHE_MIB = 64
"""Full after a while like the cache: 40,000 templates of short replies, 10,000 failures, what is
under way."""


class Stage:
    """Redis, upstream and resolver, each a process of its own."""

    def __init__(self, folder: Path, cache_mib: int) -> None:
        self.redis = RedisServer(_folder(folder / "redis"))
        self.upstream = NameServer(_folder(folder / "named"))
        self.redis.port = _low_port()
        self.redis.url = f"redis://127.0.0.1:{self.redis.port}/0"
        self.upstream.port = _low_port()
        self.port = free_port()
        self._state = _folder(folder / "state")
        self._cache_mib = cache_mib
        self._resolver: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start all three, the resolver as an operator would."""
        self.redis.start()
        self.publish()
        self.upstream.start()
        settings = {
            "REDIS_URL": self.redis.url,
            "UPSTREAMS": f"127.0.0.1:{self.upstream.port}",
            "DNS_LISTEN": f"127.0.0.1:{self.port}",
            "WORKERS": "1",
            "RELAY_ADDRESSES": "us=127.80.0.1",
            "RELAY_CHECK_PORT": "0",
            "CLIENT_RATE": "0",
            "REFUSED_RATE": "0",
            "CACHE_MIB": str(self._cache_mib),
        }
        self._resolver = subprocess.Popen(
            [Path(sys.executable).with_name("mediastreamer"), "resolver", "--state", self._state],
            env={**os.environ, **{f"MEDIASTREAMER_{k}": v for k, v in settings.items()}},
            stderr=subprocess.PIPE,
        )
        if self._resolver.stderr is None or not self._resolver.stderr.readline():
            raise SystemExit("the resolver did not become ready")

    def publish(self) -> None:
        """Let 127.0.0.1 in, as the registry would."""
        with self.redis.client() as client:
            client.hset(GRANTS, "127.0.0.1/32", "region=us")
            client.set(HEAD, "1 1")

    def memory_mib(self) -> float:
        """Resident memory of the resolver's processes."""
        if self._resolver is None:
            return 0.0
        pids = [self._resolver.pid, *_children(self._resolver.pid)]
        return sum(_resident_mib(pid) for pid in pids)

    def stop(self) -> int | None:
        """End all three; give the resolver's exit status."""
        status = None
        if self._resolver is not None:
            self._resolver.terminate()
            status = self._resolver.wait(30)
        self.upstream.kill()
        self.redis.kill()
        return status


def _low_port() -> int:
    """Give a port that no outgoing socket takes while its server is away."""
    return next(port for port in iter(lambda: random.randrange(20_000, 30_000), 0) if _free(port))  # noqa: S311


def _free(port: int) -> bool:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
    ):
        try:
            datagrams.bind(("127.0.0.1", port))
            stream.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _folder(path: Path) -> Path:
    path.mkdir(mode=0o700)
    return path


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def disturb(stage: Stage, step: int) -> str:
    """Do one thing to upstream or Redis; a cycle of 12 steps, the last ones quiet."""
    match step % 12:
        case 2:
            os.kill(stage.upstream.pid, signal.SIGSTOP)
            return "upstream silent"
        case 3:
            os.kill(stage.upstream.pid, signal.SIGCONT)
            return "upstream back"
        case 5:
            stage.redis.kill()
            return "Redis gone"
        case 6:
            stage.redis.start()
            return "Redis back, empty"
        case 7:
            stage.publish()
            return "published again"
        case 9:
            stage.upstream.kill()
            return "upstream's port closed"
        case 10:
            stage.upstream.start()
            return "upstream back"
    return ""


def main() -> int:
    """Soak, print the figures, judge them."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--rate", type=float, default=2_500.0, help="queries a second")
    arguments.add_argument("--cache-mib", type=int, default=32)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), options.cache_mib)
        try:
            stage.start()
            load, memory = _soak(stage, options.minutes * 60, options.rate)
        finally:
            status = stage.stop()
    return _judge(load, memory, status, options.cache_mib + _BESIDE_CACHE_MIB)


def _soak(stage: Stage, seconds: float, rate: float) -> tuple[Load, list[float]]:
    load, memory = Load(stage.port, rate), []
    for step in range(int(seconds / _STEP_S)):
        done = disturb(stage, step)
        load.run(time.monotonic() + _STEP_S)
        memory.append(stage.memory_mib())
        print(f"{step * _STEP_S:5.0f} s  {memory[-1]:6.1f} MiB  {done}", flush=True)
    load.finish()
    return load, memory


def _judge(load: Load, memory: list[float], status: int | None, room_mib: int) -> int:
    figures = load.figures
    print("kind        sent    right   failed  wrong   lost   median ms  p99 ms")
    for kind in KINDS:
        times = sorted(figures.latencies[kind.name]) or [0.0]
        print(
            f"{kind.name:8} {figures.sent[kind.name]:8} {figures.right[kind.name]:8} "
            f"{figures.failed[kind.name]:7} {figures.wrong[kind.name]:6} "
            f"{figures.lost[kind.name]:6} {statistics.median(times) * 1e3:10.2f} "
            f"{times[int(len(times) * 0.99)] * 1e3:8.2f}"
        )
    half = memory[len(memory) // 2]
    print(f"memory: {memory[0]:.1f} MiB at first, {half:.1f} half-way, {memory[-1]:.1f} at the end")
    print(f"what is kept on purpose may add {room_mib} MiB to the first figure")
    print(f"exit status of the resolver: {status}")
    good = (
        not figures.wrong
        and not figures.lost["steered"]
        and not figures.lost["cached"]
        and memory[-1] < half * 1.1
        and memory[-1] < memory[0] + room_mib
        and status == 0
    )
    print("good" if good else "NOT GOOD")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
