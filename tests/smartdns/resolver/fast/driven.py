"""The fast path without its thread: real sockets, and a clock and turns that a test decides on."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dns.message

from smartdns.answering.plan import Forward
from smartdns.answering.rules.rate_limit import RateLimiter
from smartdns.contract.grants import Profile
from smartdns.resolver.datagrams import WayBack, send_back
from smartdns.resolver.fast.batch import DatagramBatch
from smartdns.resolver.fast.loop import Loop
from smartdns.resolver.fast.misses import Misses
from smartdns.resolver.responder import Limits, Responder
from tests.smartdns.made import NOW, Few, knowledge

HERE, THERE = socket.inet_aton("127.0.0.1"), socket.inet_aton("127.0.0.3")
STRANGER = "127.0.0.2"
STEERED = "www.netflix.com"


def wire(name: str = STEERED, number: int = 0, **options: Any) -> bytes:
    """Give a query for a name's address, by default for one that is steered."""
    query = dns.message.make_query(name, "A", **options)
    query.id = number
    return query.to_wire()


@dataclass
class Upstreams:
    """Keeps what a forwarder is asked, and has room for so many."""

    room: int = 1_000_000
    asked: list[tuple[Forward, Callable[..., object], bytes]] = field(default_factory=list)
    refreshed: list[Forward] = field(default_factory=list)
    waiting = 0

    def ask(self, plan: Forward, asker: Callable[..., object], network: bytes) -> bool:
        """Take a question while there is room."""
        if len(self.asked) >= self.room:
            return False
        self.asked.append((plan, asker, network))
        return True

    def refresh(self, plan: Forward) -> None:
        """Take what nobody waits for."""
        self.refreshed.append(plan)


class Client:
    """Somebody who asks; reads replies that are there."""

    def __init__(self, listener: socket.socket, source: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind((source, 0))
        self._socket.connect(listener.getsockname())
        self._socket.setblocking(False)

    def ask(self, *queries: bytes) -> None:
        """Send queries."""
        for query in queries:
            self._socket.send(query)

    def replies(self) -> list[bytes]:
        """Give all that has come."""
        found: list[bytes] = []
        try:
            while True:
                found.append(self._socket.recv(4096))
        except BlockingIOError:
            return found

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class Driven:
    """Misses and loop of one socket; `close` at the end."""

    def __init__(self, *, client_rate: float = 0, refused_rate: float = 0, **known: Any) -> None:
        self.now = NOW
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.listener.bind(("127.0.0.1", 0))
        self.allowlist = Few({HERE: Profile("us")})
        self.knowledge = knowledge(**{"allowlist": self.allowlist} | known)
        self.upstreams: Any = Upstreams()
        limits = Limits(
            RateLimiter(client_rate, 2 * client_rate), RateLimiter(refused_rate, 2 * refused_rate)
        )
        self.responder = Responder(self.knowledge, self.upstreams, limits, lambda: self.now)
        self.batch = DatagramBatch(self.listener, multihomed=False)
        self.misses = Misses(self.batch, self.responder, self._send)
        self.loop = Loop(self.misses, lambda _: None, lambda: self.now)
        self.responder.on_change(self.loop.look_up)
        self.sent: list[tuple[float, int]] = []
        """Of what was decided about: when it was answered, and its query's ID."""
        self._clients: list[Client] = []

    def client(self, source: str = "127.0.0.1") -> Client:
        """Let somebody ask from an address."""
        self._clients.append(Client(self.listener, source))
        return self._clients[-1]

    def run(self, *steps: Callable[[], object]) -> None:
        """Let the loop take a batch after each step, then end with what still waits."""
        receive, remaining = self.batch.receive, iter(steps)

        def after_the_next_step(*, wait: bool) -> int:
            step = next(remaining, None)
            if step is None:
                self.loop._stopping = self.loop._told = True
                return 0
            step()
            return receive(wait=False)

        self.batch.receive = after_the_next_step  # type: ignore[method-assign]
        self.loop._answer_batches()
        self.batch.receive = receive  # type: ignore[method-assign]
        self.loop._stopping = False

    def answers(self, client: Client, *queries: bytes) -> list[bytes]:
        """Give what a client gets for queries of one batch."""
        self.run(lambda: client.ask(*queries))
        return client.replies()

    def close(self) -> None:
        """Close the sockets."""
        for each in self._clients:
            each.close()
        self.listener.close()

    def _send(self, octets: bytes, way_back: WayBack) -> None:
        self.sent.append((self.now, int.from_bytes(octets[:2])))
        send_back(self.listener, octets, way_back)
