"""An upstream that a test tells how to misbehave; it lives in the test's own reactor."""

from collections.abc import Callable, Sequence
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from smartdns.wire.framing import FrameBuffer, with_length
from tests.peers.ports import free_port

Reaction = bytes | dns.message.Message | None
React = Callable[[dns.message.Message, str], "Reaction | Sequence[Reaction]"]


def answering(
    query: dns.message.Message, *records: str, rcode: str = "NOERROR"
) -> dns.message.Message:
    """Give the reply to `query` with `records` in its answer, each "NAME TTL TYPE DATA"."""
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(dns.rcode.from_text(rcode))
    for record in records:
        name, ttl, kind, data = record.split(maxsplit=3)
        reply.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, data))
    return reply


def address_of_everything(query: dns.message.Message, transport: str) -> dns.message.Message:
    """Answer any question with one address, as an upstream without faults would."""
    return answering(query, f"{query.question[0].name} 300 A 198.51.100.77")


class OddNameServer:
    """UDP and TCP on one port; `react(query, transport)` says what is sent back, and how often."""

    def __init__(self, reactor: Any, react: React = address_of_everything) -> None:
        self.reactor = reactor
        self.react = react
        self.delay = 0.0
        self.host, self.port = "127.0.0.1", free_port()
        self.queries: list[tuple[str, dns.message.Message]] = []
        self.peers: list[tuple[str, int]] = []
        self.connections = 0
        self.open: list[Protocol] = []
        self._ports: list[Any] = []
        self._waiting: set[Deferred[None]] = set()

    def start(self, context: Any = None) -> None:
        """Listen; with a TLS context the stream speaks TLS."""
        factory = Factory.forProtocol(lambda: _Stream(self))
        factory.noisy = False
        if context is None:
            stream = self.reactor.listenTCP(self.port, factory, interface=self.host)
        else:
            stream = self.reactor.listenSSL(self.port, factory, context, interface=self.host)
        self._ports = [
            self.reactor.listenUDP(self.port, _Datagrams(self), interface=self.host),
            stream,
        ]

    async def stop(self) -> None:
        """Close both ports and every connection."""
        for waiting in list(self._waiting):
            waiting.cancel()
        ports, self._ports = self._ports, []
        for connection in self.open[:]:
            connection.transport.abortConnection()
        for port in ports:
            await port.stopListening()
        while self.open:
            await deferLater(self.reactor, 0.01)

    def take(self, data: bytes, transport: str, send: Callable[[bytes], object]) -> None:
        """Note a query and send what the test wants."""
        query = dns.message.from_wire(data)
        self.queries.append((transport, query))
        reactions = self.react(query, transport)
        if reactions is None or isinstance(reactions, bytes | dns.message.Message):
            reactions = [reactions]

        def respond(_: object) -> None:
            for reaction in reactions:
                if reaction is not None:
                    octets = reaction if isinstance(reaction, bytes) else reaction.to_wire()
                    send(octets)

        waiting: Deferred[None] = deferLater(self.reactor, self.delay)
        self._waiting.add(waiting)
        waiting.addCallback(respond)
        waiting.addErrback(lambda failure: failure.trap(CancelledError))
        waiting.addBoth(lambda _: self._waiting.discard(waiting))


class _Datagrams(DatagramProtocol):
    noisy = False

    def __init__(self, server: OddNameServer) -> None:
        self.server = server

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.server.peers.append(addr)
        transport: Any = self.transport
        self.server.take(datagram, "udp", lambda octets: transport.write(octets, addr))


class _Stream(Protocol):
    def __init__(self, server: OddNameServer) -> None:
        self.server = server
        self.frames = FrameBuffer()

    def connectionMade(self) -> None:
        self.server.connections += 1
        self.server.open.append(self)
        transport: Any = self.transport
        self.server.peers.append((transport.getPeer().host, transport.getPeer().port))

    def dataReceived(self, data: bytes) -> None:
        transport: Any = self.transport
        for message in self.frames.add(data):
            self.server.take(message, "tcp", lambda o: transport.write(with_length(o)))

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        self.server.open.remove(self)
