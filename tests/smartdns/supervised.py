"""A supervisor of stand-in workers, and what its clients see."""

import functools
import os
import selectors
import socket
import sys
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from smartdns.contract.addresses import parse_socket_address
from smartdns.process.sockets import bind
from smartdns.process.template import Template
from smartdns.process.workers import Supervisor, Worker

STAND_IN = [sys.executable, str(Path(__file__).with_name("stand_in_worker.py")), "template"]
ROLE = "standin"
ANY_PORT = parse_socket_address("127.0.0.1:0")
SOURCES = [f"127.{20 + i % 3}.{i}.{1 + i % 7}" for i in range(24)]
"""Of as many households, in a /24 each."""
_PORTS = 4
"""From which each of them asks."""
_AT_ONCE = 100
"""Datagrams that may wait for their reply."""
_SILENCE_S = 20.0
"""After so long without any reply none will come."""


@dataclass
class Flood:
    """What went out and came back."""

    sent: int = 0
    received: int = 0
    places: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Source -> the places whose sockets its datagrams reached."""
    pids: defaultdict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """Place -> who answered there."""


class Supervised:
    """Workers that share a port of UDP and one of TCP, and have a socket of each."""

    def __init__(self, count: int = 1, *, listen: bool = True) -> None:
        self.sockets = bind("udp", socket.SOCK_DGRAM, ANY_PORT, count)
        streams = bind("tcp", socket.SOCK_STREAM, ANY_PORT, count, listen=listen)
        self.where = self.sockets[0].socket.getsockname()
        self.where_tcp = streams[0].socket.getsockname()
        sets = [list(each) for each in zip(self.sockets, streams, strict=True)]
        self._place_of = {
            os.fstat(each.socket.fileno()).st_ino: place
            for place, sockets in enumerate(sets)
            for each in sockets
        }
        self.behaviour = ""
        self.template = Template(STAND_IN, reactor)
        fork = functools.partial(self.template.fork, ROLE)
        self.supervisor = Supervisor(fork, sets, self.beginning, reactor, keeps_standby=True)

    def beginning(self) -> dict[str, object]:
        """What a worker is told that starts now."""
        return {"settings": {"stand_in": self.behaviour}}

    def ask(self, source: str = "127.0.0.1") -> int:
        """Give the pid that answers a datagram."""
        with self._client(source) as client:
            client.settimeout(60)
            client.sendto(b"?", self.where)
            return self._read(client.recv(100))[0]

    def _client(self, source: str) -> socket.socket:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.bind((source, 0))
        return client

    def ask_by_tcp(self, source: str) -> int:
        """Give the pid that answers a connection."""
        with socket.create_connection(self.where_tcp, 10, (source, 0)) as client:
            return self._read(b"".join(iter(lambda: client.recv(100), b"")))[0]

    def _read(self, said: bytes) -> tuple[int, int]:
        pid, inode = map(int, said.split()[:2])
        return pid, self._place_of[inode]

    def run(self, flood: Flood, rate: int, until: Deferred[object]) -> None:
        """Send `rate` datagrams a second until that fires, from many sources in turn.

        Fewer on a busy machine: no more are unanswered than a socket holds.
        """
        with ExitStack() as closing, selectors.DefaultSelector() as waiting:
            clients = []
            for source in SOURCES * _PORTS:
                clients.append(closing.enter_context(self._client(source)))
                waiting.register(clients[-1], selectors.EVENT_READ, source)
            while not until.called:
                if flood.sent - flood.received < _AT_ONCE:
                    clients[flood.sent % len(clients)].sendto(b"?", self.where)
                    flood.sent += 1
                self._collect(flood, waiting, 1 / rate)
            while flood.received < flood.sent and self._collect(flood, waiting, _SILENCE_S):
                pass

    def _collect(self, flood: Flood, waiting: selectors.BaseSelector, seconds: float) -> bool:
        ready = waiting.select(seconds)
        for key, _ in ready:
            pid, place = self._read(os.read(key.fd, 100))
            flood.received += 1
            flood.places[key.data].add(place)
            flood.pids[place].add(pid)
        return bool(ready)


async def start(supervised: Supervised) -> None:
    """Start it and wait until all workers are ready, and one stands by."""
    supervised.supervisor.startService()
    await supervised.supervisor.when_ready()
    await standby_of(supervised.supervisor)


async def standby_of(supervisor: Supervisor) -> Worker:
    """Wait until one stands by that can be signalled."""
    while (standby := supervisor._standby.child) is None or standby.pid is None:
        await deferLater(reactor, 0.01)
    assert isinstance(standby, Worker)
    return standby
