"""A mixed load on one resolver, each answer judged by what its question must have."""

import random
import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

RELAY = socket.inet_aton("127.80.0.1")
ORDINARY = socket.inet_aton("198.51.100.1")
WILD = socket.inet_aton("198.51.100.4")
_HEADER = struct.Struct("!HHHHHH")
_NOERROR, _SERVFAIL, _NXDOMAIN, _REFUSED = 0, 2, 3, 5
LATE_S = 5.0


@dataclass(frozen=True)
class Kind:
    """One sort of question: how often, from where, and what is right."""

    name: str
    weight: int
    rcode: int
    address: bytes | None = None
    from_stranger: bool = False
    may_fail: bool = False
    """SERVFAIL is in order while the upstream is away; never a wrong answer."""


KINDS = (
    Kind("steered", 12, _NOERROR, RELAY),
    Kind("cached", 15, _NOERROR, ORDINARY, may_fail=True),
    Kind("random", 60, _NOERROR, WILD, may_fail=True),
    Kind("absent", 8, _NXDOMAIN, may_fail=True),
    Kind("refused", 5, _REFUSED, from_stranger=True),
)


@dataclass
class Figures:
    """What became of the queries."""

    sent: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    latencies: dict[str, list[float]] = field(default_factory=lambda: {k.name: [] for k in KINDS})


class Load:
    """Sends at a steady rate over a few sockets and judges what comes back."""

    def __init__(self, port: int, rate: float) -> None:
        self._rate = rate
        self._sockets = {
            stranger: [_socket(port, "127.0.0.2" if stranger else "127.0.0.1") for _ in range(8)]
            for stranger in (False, True)
        }
        self._all = [*self._sockets[False], *self._sockets[True]]
        self._waiting: dict[tuple[int, int], tuple[Kind, float]] = {}
        self._names = (f"{number:x}" for number in _numbers())
        self._id = 0
        self.figures = Figures()

    def run(self, until: float, every: float = 0.01) -> None:
        """Go on until the second `until` of the monotonic clock."""
        due, tick = 0.0, time.monotonic()
        while (now := time.monotonic()) < until:
            due += (now - tick) * self._rate
            tick = now
            for kind in random.choices(KINDS, [k.weight for k in KINDS], k=int(due)):  # noqa: S311
                self._send(kind)
            due -= int(due)
            while (left := tick + every - time.monotonic()) > 0:
                select.select(self._all, [], [], left)
                self._receive()
            self._receive()
        self._forget_late(until)

    def finish(self) -> None:
        """Wait for the last replies."""
        end = time.monotonic() + LATE_S
        while self._waiting and time.monotonic() < end:
            self._receive()
            time.sleep(0.01)
        for kind, _ in self._waiting.values():
            self.figures.lost[kind.name] += 1
        self._waiting.clear()

    def _send(self, kind: Kind) -> None:
        self._id = (self._id + 1) & 0xFFFF
        sock = self._sockets[kind.from_stranger][self._id % 8]
        key = (sock.fileno(), self._id)
        if key in self._waiting:  # 65,536 queries ago
            self.figures.lost[self._waiting[key][0].name] += 1
        try:
            sock.send(_query(self._id, self._name(kind)))
        except OSError:
            return
        self._waiting[key] = (kind, time.monotonic())
        self.figures.sent[kind.name] += 1

    def _name(self, kind: Kind) -> str:
        match kind.name:
            case "random":
                return f"{next(self._names)}.wild.example.com"
            case "absent":
                return f"{next(self._names)}.example.net"
            case "cached":
                return "alias.example.com"
            case _:
                return "www.netflix.com"

    def _receive(self) -> None:
        for sock in self._all:
            while True:
                try:
                    reply = sock.recv(4096)
                except OSError:
                    break
                waiting = self._waiting.pop((sock.fileno(), _HEADER.unpack_from(reply)[0]), None)
                if waiting is not None:
                    self._judge(*waiting, reply)

    def _judge(self, kind: Kind, sent_at: float, reply: bytes) -> None:
        rcode = reply[3] & 0xF
        figures = self.figures
        if rcode == kind.rcode and (kind.address is None or reply.find(kind.address, 12) > 0):
            figures.right[kind.name] += 1
            figures.latencies[kind.name].append(time.monotonic() - sent_at)
        elif kind.may_fail and rcode == _SERVFAIL:
            figures.failed[kind.name] += 1
        else:
            figures.wrong[kind.name] += 1

    def _forget_late(self, now: float) -> None:
        for key, (kind, sent_at) in list(self._waiting.items()):
            if now - sent_at > LATE_S:
                del self._waiting[key]
                self.figures.lost[kind.name] += 1


def _numbers() -> Iterator[int]:
    number = random.randrange(1 << 40)  # noqa: S311
    while True:
        number += 1
        yield number


def _socket(port: int, source: str) -> socket.socket:
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    client.bind((source, 0))
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    return client


def _query(id_: int, name: str) -> bytes:
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    return _HEADER.pack(id_, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\x01\0\x01"
