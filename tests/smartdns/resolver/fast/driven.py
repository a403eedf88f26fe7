"""The fast path without its thread: real sockets, and seconds and turns that a test decides on."""

import socket
from collections.abc import Callable
from typing import Any

import dns.message

from smartdns.answering.concluding import conclude, stale
from smartdns.answering.plan import Record, Reply
from smartdns.answering.query import Query, Source, Transport
from smartdns.answering.rules.rate_limit import RateLimiter
from smartdns.contract.grants import Profile
from smartdns.resolver.datagrams import WayBack, send_back
from smartdns.resolver.fast.batch import DatagramBatch
from smartdns.resolver.fast.loop import Loop
from smartdns.resolver.fast.misses import Misses
from smartdns.resolver.responder import Limits, Responder
from smartdns.upstream.forwarder import Forwarder
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import render_reply
from tests.smartdns.made import NOW, Few, knowledge
from tests.smartdns.upstream.asking import upstream
from tests.smartdns.upstream.peer import HandTurned, Peer

HERE, THERE = socket.inet_aton("127.0.0.1"), socket.inet_aton("127.0.0.3")
STEERED = "www.netflix.com"
React = Callable[[Query], Reply]


def wire(name: str = STEERED, number: int = 0, **options: Any) -> bytes:
    """Give a query for a name's address, by default for one that is steered."""
    query = dns.message.make_query(name, "A", **options)
    query.id = number
    return query.to_wire()


def denying(_: Query) -> Reply:
    """Say that there is no such name."""
    return Reply(3)


def addressing(query: Query) -> Reply:
    """Say that a name has an address."""
    assert query.question is not None
    return Reply(0, (Record(query.question.name, 1, 1, 300, bytes((5, 0, 0, 9))),))


class Upstreams:
    """A forwarder to one upstream, which says what `react` says; `answer` lets it."""

    def __init__(self, known: Any, now: Callable[[], float], in_flight: int = 2_000) -> None:
        self.react: React = denying
        self.queries = 0
        self._peer, self._reactor = Peer(), HandTurned()
        reactor: Any = self._reactor
        self.forwarder: Forwarder[Reply] = Forwarder(
            reactor,
            [upstream(self._peer.port)],
            lambda plan, said: conclude(plan, said, known, now()),
            in_flight=in_flight,
            stand_in=lambda plan: stale(plan, known, now()),
        )

    def answer(self) -> None:
        """Let everything under way be answered."""
        while self.forwarder.in_flight:
            self._reactor.turn()
            for query, where in self._peer.queries():
                self.queries += 1
                asked = parse_query(query)
                assert isinstance(asked, Query)
                reply = render_reply(asked, self.react(asked), limit=1_232)
                self._peer.socket.sendto(reply, where)

    def close(self) -> None:
        """End it."""
        self.forwarder.stopService()
        self._peer.socket.close()


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

    def __init__(
        self,
        *,
        client_rate: float = 0,
        refused_rate: float = 0,
        in_flight: int = 2_000,
        **known: Any,
    ) -> None:
        self.seconds, self.each_look = NOW, 0.0
        """What the clock says, and how far it goes on whenever somebody looks at it."""
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.listener.bind(("127.0.0.1", 0))
        self.allowlist = Few({HERE: Profile("us")})
        self.knowledge = knowledge(**{"allowlist": self.allowlist} | known)
        self.upstreams = Upstreams(self.knowledge, self.now, in_flight)
        limits = Limits(
            RateLimiter(client_rate, 2 * client_rate), RateLimiter(refused_rate, 2 * refused_rate)
        )
        self.responder = Responder(self.knowledge, self.upstreams.forwarder, limits, self.now)
        self.batch = DatagramBatch(self.listener, multihomed=False)
        self.misses = Misses(self.batch, self.responder, self._send)
        self.loop = Loop(self.misses, lambda _: None, self.now)
        self.responder.on_change(self.loop.look_up)
        self.sent: list[tuple[float, int]] = []
        """Of what was decided about: when it was answered, and its query's ID."""
        self._clients: list[Client] = []

    def now(self) -> float:
        """Look at the clock."""
        self.seconds += self.each_look
        return self.seconds

    def source(self, address: bytes, transport: Transport) -> Source:
        """Give who asks from an address."""
        return Source(address, 5353, transport)

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
        """Give what a client gets for queries of one batch, upstreams' answers included."""
        self.run(lambda: client.ask(*queries))
        self.upstreams.answer()
        return client.replies()

    def close(self) -> None:
        """Close the sockets."""
        for each in self._clients:
            each.close()
        self.upstreams.close()
        self.listener.close()

    def _send(self, octets: bytes, way_back: WayBack) -> None:
        self.sent.append((self.seconds, int.from_bytes(octets[:2])))
        send_back(self.listener, octets, way_back)
