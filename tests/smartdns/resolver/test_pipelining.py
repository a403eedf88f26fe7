"""Many queries in one connection at once: few writes, in order, and little held for a slow peer."""

import socket
import sys
from collections.abc import Iterator
from typing import Any

import dns.message
import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread

from smartdns.answering.plan import Reply
from smartdns.answering.query import Source
from smartdns.answering.rules.rate_limit import RateLimiter
from smartdns.resolver import stream as under_test
from smartdns.resolver.rendering import Rendered
from smartdns.resolver.responder import Limits, Responder, Send
from smartdns.resolver.stream import Stream
from smartdns.resolver.stream_limits import StreamLimits
from smartdns.resolver.streams import Streams
from smartdns.upstream.forwarder import Forwarder
from smartdns.wire.framing import with_length
from tests.smartdns.allowlist.by_hand import until
from tests.smartdns.made import NOW, Few, knowledge
from tests.smartdns.resolver.fast.driven import HERE, Profile, wire
from tests.smartdns.resolver.laboratory import REACTOR, Laboratory
from tests.smartdns.wire.trying import read_messages

COUNT = 1_000
TRANSPORT_HOLDS = 1 << 16
"""Octets of what was written beyond which a transport of Twisted's says that the peer is slow."""


@pytest.fixture
def fast() -> bool:
    """Streams do not care how datagrams are answered."""
    return True


class Transport(StringTransport):
    """Counts writes; says that its buffer is full as Twisted's does, and empties it when told."""

    def __init__(self, *, reads: bool = True) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.reads = reads
        self.writes = 0
        self.waiting = b""
        self.most = 0

    def write(self, data: bytes) -> None:
        """Take data of the protocol's."""
        self.writes += 1
        if self.reads:
            super().write(data)  # type: ignore[no-untyped-call]
            return
        self.waiting += data
        self.most = max(self.most, len(self.waiting))
        if len(self.waiting) > TRANSPORT_HOLDS:
            self.producer.pauseProducing()

    def drain(self) -> None:
        """Let the peer read all that waits."""
        waiting, self.waiting = self.waiting, b""
        super().write(waiting)  # type: ignore[no-untyped-call]
        self.producer.resumeProducing()


class Asked:
    """A responder that answers from memory, and notes how deep in the stack it was asked."""

    def __init__(self, size: int = 0) -> None:
        nobody = Forwarder(REACTOR, [], lambda *_: Reply(2))
        limits = Limits(RateLimiter(0, 0), RateLimiter(0, 0))
        known = knowledge(allowlist=Few({HERE: Profile("us")}))
        self._responder = Responder(known, nobody, limits, lambda: NOW)
        self.network_of, self.wait_s = self._responder.network_of, self._responder.wait_s
        self.depths: set[int] = set()
        self._size = size

    def respond(self, data: bytes, source: Source, send: Send) -> bool:
        """Answer at once, with so many octets where that was said."""
        self.depths.add(_depth())
        if not self._size:
            return self._responder.respond(data, source, send)
        send(Rendered(data[:2] + bytes(self._size - 2)))
        return True


def _depth() -> int:
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def connected(asked: Asked, transport: Transport) -> Stream:
    """Make a connection of the household's."""
    reactor: Any = Clock()
    responder: Any = asked
    streams = Streams(reactor, responder, StreamLimits(10, 10))
    made = streams.buildProtocol(IPv4Address("TCP", "127.0.0.1", 5353))
    assert made is not None
    made.makeConnection(transport)  # type: ignore[arg-type]
    return made


def numbered() -> bytes:
    """Give as many queries, one after the other, whose IDs count."""
    return b"".join(with_length(wire(number=number)) for number in range(COUNT))


def ids(stream: bytes) -> list[int]:
    """Give the IDs of the messages in what was written."""
    found, at = [], 0
    while at < len(stream):
        found.append(int.from_bytes(stream[at + 2 : at + 4]))
        at += 2 + int.from_bytes(stream[at : at + 2])
    return found


def test_a_thousand_queries_in_one_read_are_answered_in_few_writes_and_in_order() -> None:
    """Each write is a system call and a segment; and no answer is given within another one's."""
    responder, transport = Asked(), Transport()
    connected(responder, transport).dataReceived(numbered())
    written = transport.value()
    assert ids(written) == list(range(COUNT))
    assert transport.writes <= len(written) // under_test._WRITTEN_AT_ONCE + 1
    assert len(responder.depths) == 1


@pytest.mark.parametrize("size", [100, 1_000, 30_000])
def test_little_is_held_for_a_peer_that_does_not_read(size: int) -> None:
    """What its transport holds, and one write; the rest is not even asked for before it reads."""
    responder, transport = Asked(size), Transport(reads=False)
    stream = connected(responder, transport)
    stream.dataReceived(numbered())
    bound = TRANSPORT_HOLDS + under_test._WRITTEN_AT_ONCE + size + 2
    for _ in range(COUNT):
        assert len(transport.waiting) + len(stream._unsent) <= bound
        if not stream._queue:
            break
        assert transport.producerState == "paused"
        transport.drain()
    transport.drain()
    assert ids(transport.value()) == list(range(COUNT))
    assert transport.most <= bound
    assert transport.producerState == "producing"
    assert len(responder.depths) <= 2, "asked as it was read, and as the peer read on"


@pytest.fixture
def client(resolver: Laboratory) -> Iterator[socket.socket]:
    """A connection of the household's, with a limit on every wait."""
    with socket.socket() as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        made.settimeout(60)
        made.connect(("127.0.0.1", resolver.port))
        yield made


async def test_over_real_sockets_each_gets_its_own_reply_in_order(
    resolver: Laboratory, client: socket.socket
) -> None:
    """What is known already, asked a thousand times in one segment."""
    assert (await resolver.ask("www.example.com", tcp=True)).answer

    def ask() -> list[bytes]:
        queries = (with_length(wire("www.example.com", number)) for number in range(COUNT))
        client.sendall(b"".join(queries))
        return read_messages(client, COUNT)

    replies = await deferToThread(ask)
    assert [int.from_bytes(reply[:2]) for reply in replies] == list(range(COUNT))
    assert all(dns.message.from_wire(reply).answer for reply in replies[::100])


async def test_over_real_sockets_a_peer_that_reads_later_gets_all_of_it(
    resolver: Laboratory, client: socket.socket
) -> None:
    """Megabytes in small pieces; meanwhile the resolver holds a fraction, and answers others."""
    assert (await resolver.ask("huge.example.com", "TXT", tcp=True)).answer
    query = dns.message.make_query("huge.example.com", "TXT").to_wire()
    numbers = range(COUNT // 2)
    asking = b"".join(with_length(number.to_bytes(2) + query[2:]) for number in numbers)
    await deferToThread(client.sendall, asking)
    await until(lambda: any(each._clogged for each in resolver.listeners._streams.open))
    (stream,) = (each for each in resolver.listeners._streams.open if each._clogged)
    transport: Any = stream._tcp
    held = len(stream._unsent) + len(transport.dataBuffer) + transport._tempDataLen
    assert held <= TRANSPORT_HOLDS + under_test._WRITTEN_AT_ONCE + 2 * 65_537
    assert (await resolver.ask("www.netflix.com", tcp=True)).answer
    replies = await deferToThread(read_messages, client, len(numbers))
    assert [int.from_bytes(reply[:2]) for reply in replies] == list(numbers)
