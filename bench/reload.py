"""What a reload of the allowlist costs whoever asks meanwhile, in a real worker.

    python -m bench.reload [NETWORKS] [--plain]

`mediastreamer resolver` on the first core; Redis and the clients on the last. 1,000 queries a
second are of the kind that is answered from memory, 100 more take the reactor (a steered name
that nobody asked before: no upstream has a part in it). The end of a latency is the kernel's
time stamp of the reply, so what keeps the client waiting does not count.
"""

import argparse
import contextlib
import os
import socket
import struct
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import redis

from bench.allowlist import fill, publish, publish_anew
from bench.load import HOST
from bench.queries import render
from bench.servers import Server, Setting, start_ours
from smartdns.contract.addresses import parse_network
from smartdns.contract.grants import Head, Profile
from smartdns.contract.redis_layout import GRANTS, encode_profile
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer

HITS_A_SECOND = 1_000
HITS_TO_A_MISS = 10
CLIENT, NEWCOMER = "127.0.2.1", "127.0.3.1"
LONG_MS = 5.0
_SO_TIMESTAMPNS = 35  # socket(7)
_STAMP = struct.Struct("@qq")
_REFUSED = 5


class Asker:
    """Sends queries and notes how long each reply took, in milliseconds."""

    def __init__(self, source: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.bind((source, 0))
        self._socket.connect((HOST, port))
        self._sent: dict[int, int] = {}
        self._next = 0
        self.taken: list[float] = []
        self.rcode = -1

    def send(self, query: bytes) -> None:
        """Send one query."""
        self._next = (self._next + 1) & 0xFFFF
        number = self._next
        self._sent[number] = time.time_ns()
        with contextlib.suppress(ConnectionRefusedError):  # nobody is there yet
            self._socket.send(number.to_bytes(2, "big") + query[2:])

    def receive(self) -> None:
        """Take in what has come."""
        while True:
            try:
                reply, ancillary, _, _ = self._socket.recvmsg(4096, 128, socket.MSG_DONTWAIT)
            except (BlockingIOError, ConnectionRefusedError):
                return
            self.rcode = reply[3] & 15
            sent = self._sent.pop(int.from_bytes(reply[:2], "big"), None)
            if sent is not None and ancillary:
                seconds, nanoseconds = _STAMP.unpack(ancillary[0][2])
                self.taken.append((seconds * 10**9 + nanoseconds - sent) / 1e6)

    def said(self, what: str) -> None:
        """Print what was noted, and begin anew."""
        taken, self.taken = sorted(self.taken), []
        long = sum(each > LONG_MS for each in taken)
        shares = ", ".join(
            f"{name} {taken[int(len(taken) * share)]:.2f}"
            for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999))
        )
        lost = f", {len(self._sent)} lost" if self._sent else ""
        said(
            what,
            f"{shares}, max {taken[-1]:.2f} ms; {long} of {len(taken):,} > {LONG_MS:.0f}{lost}",
        )
        self._sent.clear()


class Load:
    """Both kinds of queries, paced, until something holds."""

    def __init__(self, port: int) -> None:
        self.hits, self.misses = Asker(CLIENT, port), Asker(CLIENT, port)
        self.newcomer = Asker(NEWCOMER, port)
        self._number = 0
        self._hit = render("www.netflix.com")

    def run(self, until: Callable[[], bool], most_s: float = 600.0) -> float:
        """Ask on and on; gives the seconds until `until` held."""
        began = time.monotonic()
        sent = 0
        while not until() and time.monotonic() < began + most_s:
            pause = began + sent / HITS_A_SECOND - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            sent += 1
            self.hits.send(self._hit)
            if sent % HITS_TO_A_MISS == 0:
                self._number += 1
                self.misses.send(render(f"x{self._number}.netflix.com"))
                self.newcomer.send(self._hit)
            for asker in (self.hits, self.misses, self.newcomer):
                asker.receive()
        return time.monotonic() - began

    def run_for(self, seconds: float) -> None:
        """Ask for so long."""
        end = time.monotonic() + seconds
        self.run(lambda: time.monotonic() >= end)

    def let_in(self) -> bool:
        """Say whether the newcomer is served."""
        return self.newcomer.rcode == 0

    def said(self, when: str) -> None:
        """Print what both met, and begin anew."""
        self.hits.said(f"from memory, {when}")
        self.misses.said(f"by way of the reactor, {when}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What a reload costs whoever asks meanwhile.")
    parser.add_argument("networks", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--plain", action="store_true", help="without the fast path")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})  # Redis inherits it
    with tempfile.TemporaryDirectory() as text:
        place = RedisServer(Path(text))
        place.start()
        try:
            fill(place, options.networks)
            with place.client() as client:
                client.hset(GRANTS, "127.0.2.0/24", encode_profile(Profile("us")))
            setting = Setting(Path(text), free_port(), (), (), place.url)
            server = start_ours(setting, str(cores[0]), fast=not options.plain)
            try:
                measure(place, server)
            finally:
                server.process.stop()
        finally:
            place.kill()


def measure(place: RedisServer, server: Server) -> None:
    """Start, then nothing, then a reload, then changes."""
    load = Load(server.port)
    while load.hits.rcode != 0:
        load.hits.send(render("www.netflix.com"))
        time.sleep(0.01)
        load.hits.receive()
    said("start of the process to first answer", f"{time.monotonic() - server.process.began:.2f} s")
    load.run_for(6.0)
    load.hits.taken.clear()
    load.misses.taken.clear()
    load.run_for(10.0)
    load.said("no reload")
    with place.client() as client:
        client.hset(GRANTS, f"{NEWCOMER}/32", encode_profile(Profile("us")))
        publish_anew(client, Head(2, 0))
        said("reload, to the first answer by it", f"{load.run(load.let_in):.2f} s")
        load.run_for(2.0)  # what was let go of is freed meanwhile
        load.said("reload")
        changed = [change(client, load, number) for number in range(1, 51)]
    changed.sort()
    said("a change, published to answered", f"p50 {changed[25]:.1f}, max {changed[-1]:.1f} ms")
    said("memory of the role's processes", f"{server.process.memory() / 1e6:.0f} MB")


def change(client: redis.Redis, load: Load, number: int) -> float:
    """Remove or let in the newcomer; milliseconds until a query of its own shows it."""
    head, network = Head(2, number), parse_network(f"{NEWCOMER}/32")
    profile = None if number % 2 else Profile("us")
    began = time.monotonic()
    publish(client, head, network, profile)
    wanted = _REFUSED if profile is None else 0
    while load.newcomer.rcode != wanted:
        load.newcomer.send(render("www.netflix.com"))
        time.sleep(0.0005)
        load.newcomer.receive()
    return (time.monotonic() - began) * 1e3


def said(what: str, figure: str) -> None:
    """Print one line."""
    print(f"  {what:<38}{figure}", flush=True)


if __name__ == "__main__":
    main()
