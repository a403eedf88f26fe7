"""Queries in streams: cut up, pipelined, unread, too many."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dns.edns
import dns.message
import pytest
from twisted.internet.threads import deferToThread

from smartdns.resolver import stream
from smartdns.resolver.stream_limits import StreamLimits
from smartdns.wire.framing import with_length
from tests.peers.name_server import NameServer
from tests.peers.odd_name_server import OddNameServer, address_of_everything
from tests.peers.waiting import undisturbed_s
from tests.smartdns.allowlist.by_hand import until
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import STRANGER, Laboratory
from tests.smartdns.wire.trying import read_messages, try_messages

STEERED = dns.message.make_query("www.netflix.com", "A").to_wire()


@pytest.fixture
def fast() -> bool:
    """Streams do not care how datagrams are answered."""
    return True


@contextmanager
def connected(port: int, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Connect, with a limit on every wait."""
    with socket.create_connection(("127.0.0.1", port), 10, (source, 0)) as client:
        yield client


async def test_a_query_in_single_octets_is_answered(resolver: Laboratory) -> None:
    """However a stream is cut up, length and message are put together again."""

    def ask() -> list[bytes]:
        with connected(resolver.port) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in with_length(STEERED) + with_length(STEERED)[:1]:
                client.send(bytes([octet]))
                time.sleep(0.001)
            return read_messages(client, 1)

    (reply,) = await deferToThread(ask)
    assert dns.message.from_wire(reply).answer


async def test_pipelined_replies_come_as_they_are_ready(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """Whoever waits for an upstream holds up nobody behind (RFC 7766 section 6.2.1.1)."""
    odd_name_server.delay = 0.3
    resolver = make_resolver(odd_name_server.port)
    slow = dns.message.make_query("slow.example.com", "A")

    def ask() -> list[int]:
        with connected(resolver.port) as client:
            client.sendall(with_length(slow.to_wire()) + with_length(STEERED))
            return [struct.unpack_from("!H", reply)[0] for reply in read_messages(client, 2)]

    assert await deferToThread(ask) == [struct.unpack_from("!H", STEERED)[0], slow.id]


async def test_more_than_may_be_in_flight_are_answered_all_the_same(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """A burst beyond the limit waits for its turn and is not lost."""
    odd_name_server.delay = 0.05
    resolver = make_resolver(odd_name_server.port)
    count = 3 * stream._MOST_IN_FLIGHT
    queries = [dns.message.make_query(f"n{n}.example.com", "A").to_wire() for n in range(count)]

    def ask() -> list[bytes]:
        with connected(resolver.port) as client:
            client.sendall(b"".join(map(with_length, queries)))
            return read_messages(client, count)

    replies = await deferToThread(ask)
    assert len(replies) == count
    assert {reply[:2] for reply in replies} == {query[:2] for query in queries}


async def test_a_half_closed_connection_gets_its_replies(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """A peer that has said all it wants to say still hears the answers."""
    odd_name_server.delay = 0.2
    resolver = make_resolver(odd_name_server.port)
    query = dns.message.make_query("a.example.com", "A").to_wire()

    def ask() -> list[bytes]:
        with connected(resolver.port) as client:
            client.sendall(with_length(query))
            client.shutdown(socket.SHUT_WR)
            return read_messages(client, 2)

    assert len(await deferToThread(ask)) == 1


async def test_idle_connections_are_closed(
    resolver: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that says nothing does not stay."""
    monkeypatch.setattr(stream, "STREAM_IDLE_S", 0.2)
    assert await deferToThread(_wait_for_end, resolver.port, b"") == b""


async def test_an_octet_now_and_then_does_not_keep_a_connection(
    resolver: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A query that began must be whole in time, however busy its sender looks."""
    monkeypatch.setattr(stream, "_WHOLE_WITHIN_S", 0.4)

    def drip() -> float:
        with connected(resolver.port) as client:
            began = undisturbed_s()
            try:
                for _ in range(1000):
                    client.send(b"\x01")
                    time.sleep(0.02)
            except OSError:
                return undisturbed_s() - began
        return 1000

    assert await deferToThread(drip) < 5


def _wait_for_end(port: int, first: bytes) -> bytes:
    with connected(port) as client:
        client.sendall(first)
        return client.recv(100)


async def test_a_connection_has_an_end_however_busy(
    resolver: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection lasts for ever."""
    monkeypatch.setattr(stream, "_LONGEST_S", 0.3)

    def keep_asking() -> int:
        answered = 0
        with connected(resolver.port) as client:
            try:
                for _ in range(2000):
                    client.sendall(with_length(STEERED))
                    answered += len(read_messages(client, 1))
                    time.sleep(0.005)
            except OSError:
                pass
        return answered

    assert 0 < await deferToThread(keep_asking) < 2000


async def test_who_does_not_read_is_dropped_and_holds_little(
    resolver: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replies to a peer that takes none are not piled up: we stop reading, then close."""
    monkeypatch.setattr(stream, "_WHOLE_WITHIN_S", 0.5)
    big = with_length(dns.message.make_query("huge.example.com", "TXT").to_wire())
    await resolver.ask("huge.example.com", "TXT", tcp=True)

    def flood() -> int:
        sent = 0
        with connected(resolver.port) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            try:
                while sent < 100_000_000:
                    sent += client.send(big * 100)
            except OSError:
                return sent
        return sent

    assert await deferToThread(flood) < 20_000_000
    assert (await resolver.ask("www.netflix.com", tcp=True)).answer


async def test_connections_of_one_client_are_capped(
    make_resolver: Make, name_server: NameServer
) -> None:
    """One client cannot take all connections; the one too many is closed at once."""
    resolver = make_resolver(name_server.port, streams=StreamLimits(100, 3))

    def connect() -> list[bytes]:
        clients = [socket.create_connection(("127.0.0.1", resolver.port), 10) for _ in range(4)]
        for client in clients[:3]:
            client.sendall(with_length(STEERED))
        answered = [read_messages(client, 1)[0] for client in clients[:3]]
        last = _end_of(clients[3])
        for client in clients:
            client.close()
        return [*answered, last]

    *answered, last = await deferToThread(connect)
    assert len(answered) == 3
    assert last == b""
    assert (await resolver.ask("www.netflix.com", tcp=True)).answer


def _end_of(client: socket.socket) -> bytes:
    try:
        return client.recv(100)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("source", ["127.0.0.1", STRANGER])
async def test_who_asks_beyond_its_rate_waits_and_is_answered_all(
    make_resolver: Make, name_server: NameServer, source: str
) -> None:
    """Both of its connections together get the rate; what is beyond it stays in the sockets."""
    resolver = make_resolver(name_server.port, client_rate=40, refused_rate=40)

    def ask() -> float:
        began = time.monotonic()
        with connected(resolver.port, source) as one, connected(resolver.port, source) as other:
            for client in (one, other):
                client.sendall(with_length(STEERED) * 60)
            for client in (one, other):
                assert len(read_messages(client, 60)) == 60
        return time.monotonic() - began

    assert await deferToThread(ask) > (120 - 80) / 40 - 0.1


@pytest.mark.parametrize("source", ["127.0.0.1", STRANGER])
async def test_a_flood_of_datagrams_leaves_a_network_its_streams(
    make_resolver: Make, name_server: NameServer, source: str
) -> None:
    """In whoever's name it is sent: TC leads to TCP, so that must have a budget of its own."""
    resolver = make_resolver(name_server.port, client_rate=2, refused_rate=2)

    def flood() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((source, 0))
            client.connect(("127.0.0.1", resolver.port))
            for _ in range(500):
                client.send(STEERED)

    await deferToThread(flood)
    began = undisturbed_s()
    await resolver.ask("www.netflix.com", tcp=True, source=source)
    assert undisturbed_s() - began < 0.4


async def test_a_stranger_is_refused_over_tcp(resolver: Laboratory) -> None:
    """The same allowlist whatever the transport."""
    said = await resolver.dig("+tcp", "-b", STRANGER, "www.netflix.com")
    assert "status: REFUSED" in said


async def test_keepalive_is_answered(resolver: Laboratory) -> None:
    """A client that asks how long it may idle is told (RFC 7828)."""
    said = await resolver.dig("+tcp", "+keepalive", "www.netflix.com")
    assert "TCP KEEPALIVE: 10.0 secs" in said.replace("-", " ")


async def test_malformed_messages_get_no_wrong_reaction(resolver: Laboratory) -> None:
    """The whole corpus over streams, from a client and from a stranger, a sane query after each."""
    for source in ("127.0.0.1", STRANGER):
        wrong = await deferToThread(try_messages, resolver.port, source, refused=source == STRANGER)
        assert not wrong, wrong[:3]


async def test_hundreds_of_resets_right_after_the_query_take_nothing_with_them(
    resolver: Laboratory,
) -> None:
    """The reset may come before the connection is accepted, read or answered."""

    def reset() -> None:
        for _ in range(400):
            with connected(resolver.port) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.sendall(with_length(STEERED))

    for _ in range(2):
        await deferToThread(reset)
        await until(lambda: not resolver.listeners._streams.open)
        assert not resolver.listeners._streams.limits._clients
        assert (await resolver.ask("www.netflix.com", tcp=True)).answer


async def test_a_connection_that_goes_away_takes_nobody_with_it(
    make_resolver: Make, odd_name_server: OddNameServer
) -> None:
    """A reset while the upstream is being asked is nobody's trouble."""
    odd_name_server.delay = 0.2
    odd_name_server.react = address_of_everything
    resolver = make_resolver(odd_name_server.port)
    query = dns.message.make_query("a.example.com", "A").to_wire()

    def reset() -> None:
        with connected(resolver.port) as client:
            client.sendall(with_length(query))
            time.sleep(0.05)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    await deferToThread(reset)
    assert (await resolver.ask("a.example.com")).answer
