"""The load: `bench/c/load.c` run against a server, and what it says with what the server spent."""

import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Measured
from bench.queries import render

HOST = "127.0.0.1"
FIRST_CLIENT = "127.0.2.1"
FIRST_STRANGER = "127.0.9.1"
CLIENTS = 16
WINDOW = 256


@dataclass(frozen=True)
class Load:
    """One kind of load."""

    queries: Path
    rate: float = 0
    """Queries a second; 0: as many as the server answers."""
    source: str = FIRST_CLIENT
    window: int = WINDOW


@dataclass(frozen=True)
class Run:
    """What came of it."""

    cpu_us: float
    """The server's, for each answered query."""
    rate: float
    lost: float = 0.0
    """Share of queries."""
    mean_us: float = 0.0
    p50_us: float = 0.0
    p99_us: float = 0.0
    rcodes: tuple[int, ...] = ()


class Generator:
    """The load generators, on a core of their own."""

    def __init__(self, binaries: Mapping[str, Path], core: str) -> None:
        self._program = binaries["load"]
        self.streams = binaries["stream_load"]
        self.core = core

    def run(self, load: Load, port: int, seconds: float, server: Measured | None = None) -> Run:
        """Load a server for so long, or with 0 ask each query once; `server`: whose CPU counts."""
        before = server.cpu_ns() if server else 0
        said = subprocess.run(
            [
                "taskset", "-c", self.core, self._program, HOST, str(port), load.queries,
                str(seconds), str(load.window), str(load.rate), load.source, str(CLIENTS),
            ],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        spent = (server.cpu_ns() if server else 0) - before
        sent, answered, took = (int(word) for word in said[:3])
        return Run(
            spent / 1000 / max(answered, 1),
            answered / took * 1e9,
            1 - answered / max(sent, 1),
            mean_us=float(said[3]),
            p50_us=float(said[4]),
            p99_us=float(said[5]),
            rcodes=tuple(int(word) for word in said[6:]),
        )


def wait_until_it_answers(port: int, server: Measured, name: str, seconds: float = 60) -> float:
    """Ask until a granted address gets an answer; give the seconds since the server's start."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((FIRST_CLIENT, 0))
        client.settimeout(0.02)
        while time.monotonic() < server.began + seconds and not server.ended:
            client.sendto(render(name), (HOST, port))
            try:
                reply = client.recv(4096)
            except TimeoutError:
                continue
            if reply[3] & 15 == 0 and reply[6:8] != b"\0\0":
                return time.monotonic() - server.began
            time.sleep(0.005)
    raise RuntimeError("a server does not answer")
