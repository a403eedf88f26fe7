"""Reaching origins: families, source addresses, SOCKS5."""

import socket
import time
from collections.abc import Iterator

import pytest
from twisted.internet import reactor

from smartdns.answering.names import ROOT
from smartdns.contract.addresses import parse_socket_address
from smartdns.process.event_loop import loop_of
from smartdns.relay.connector import ConnectingBySocks5
from smartdns.relay.egress import Socks5
from smartdns.relay.epoll import Poller
from smartdns.upstream.egress import Direct
from tests.peers.ports import free_port
from tests.smartdns.relay.laboratory import (
    HELLO,
    NAME,
    Laboratory,
    MakeLaboratory,
    MakeOrigin,
    echo,
    in_thread,
    read_exactly,
    until,
)


def talk(lab: Laboratory) -> bytes:
    """Send a hello and read as much."""
    with lab.greet() as client:
        return read_exactly(client, len(HELLO))


def peer_address(connection: socket.socket) -> None:
    """Tell who connected."""
    read_exactly(connection, len(HELLO))
    connection.sendall(connection.getpeername()[0].encode().ljust(len(HELLO)))


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port on ::1 whose backlog is full, so that connecting there neither works nor fails."""
    port = free_port()  # of 127.0.0.1, where the test listens
    with socket.create_server(("::1", port), family=socket.AF_INET6, backlog=0):
        waiting = [socket.socket(socket.AF_INET6) for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("::1", port))
        time.sleep(0.1)
        yield port
        for one in waiting:
            one.close()


async def test_a_family_that_does_not_answer_is_overtaken_by_the_other(
    laboratory: MakeLaboratory, silent_port: int
) -> None:
    """RFC 8305: after a quarter of a second IPv4 is tried beside IPv6."""
    with socket.create_server(("127.0.0.1", silent_port)) as ipv4:
        lab = laboratory(silent_port, answers={NAME: ("::1", "127.0.0.1")})

        def serve() -> None:
            connection, _ = ipv4.accept()
            with connection:
                echo(connection)

        served = in_thread(serve)
        begun = time.monotonic()
        assert await in_thread(talk, lab) == HELLO
        assert time.monotonic() - begun > 0.2
        await served


async def test_a_family_that_refuses_is_left_at_once(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Nobody waits for an address that said no."""
    lab = laboratory(origin(echo).port, answers={NAME: ("::1", "127.0.0.1")})
    assert await in_thread(talk, lab) == HELLO
    await until(lambda: lab.open == 0)


async def test_addresses_are_remembered_while_they_hold(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """The upstreams are asked once, not for every connection."""
    lab = laboratory(origin(echo).port)
    for _ in range(3):
        assert await in_thread(talk, lab) == HELLO
    assert len(lab.asked) == 1


async def test_the_region_leaves_by_its_source_address(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """The origin sees the address of the region's egress."""
    lab = laboratory(origin(peer_address).port, egresses={"us": Direct("127.0.0.9")})
    assert (await in_thread(talk, lab)).strip() == b"127.0.0.9"


async def test_a_source_address_of_ipv6_is_bound_too(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """And an egress without one never reaches an IPv6 origin."""
    port = origin(peer_address, "::1").port
    lab = laboratory(port, answers={NAME: ("::1",)}, egresses={"us": Direct(ipv6="::1")})
    assert (await in_thread(talk, lab)).strip() == b"::1"
    ipv4_only = laboratory(port, answers={NAME: ("::1",)}, egresses={"us": Direct("127.0.0.9")})
    assert await in_thread(talk, ipv4_only) == b""


async def test_a_source_address_that_is_not_ours_ends_it(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """It never leaves by another way instead."""
    lab = laboratory(origin(echo).port, egresses={"us": Direct("192.0.2.77")})
    assert await in_thread(lab.ending) in {"closed", "reset"}


@pytest.mark.skipif(
    not hasattr(socket, "SO_BINDTODEVICE"), reason="binding to an interface is Linux's"
)
async def test_the_region_leaves_by_its_interface(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Loopback's is the one that every machine has."""
    lab = laboratory(origin(echo).port, egresses={"us": Direct(interface="lo")})
    assert await in_thread(talk, lab) == HELLO


class SocksServer:
    """A SOCKS5 server that asks for a password, for names only, and says what it was asked."""

    def __init__(self, origin_port: int, reply: int = 0, *, in_pieces: bool = False) -> None:
        self.asked: list[bytes] = []
        self._origin_port = origin_port
        self._reply = reply
        self._in_pieces = in_pieces

    def serve(self, connection: socket.socket) -> None:
        """Serve one CONNECT."""
        assert read_exactly(connection, 3) == b"\x05\x01\x02"
        self._send(connection, b"\x05\x02")
        assert read_exactly(connection, 12) == b"\x01\x02me\x07secret!"
        self._send(connection, b"\x01\x00")
        head = read_exactly(connection, 5)
        self.asked.append(read_exactly(connection, head[4] + 2))
        reply = b"\x05" + bytes((self._reply,)) + b"\x00\x01" + bytes(6)
        if self._reply:
            connection.sendall(reply)
            return
        self._send(connection, reply + b"origin first")
        echo(connection)

    def _send(self, connection: socket.socket, data: bytes) -> None:
        for octet in data if self._in_pieces else ():
            connection.sendall(bytes((octet,)))
            time.sleep(0.002)
        if not self._in_pieces:
            connection.sendall(data)


@pytest.mark.parametrize("in_pieces", [False, True])
async def test_a_socks5_server_resolves_the_name_itself(
    origin: MakeOrigin, laboratory: MakeLaboratory, in_pieces: bool
) -> None:
    """It gets the name and the port; the upstreams are not asked; nothing of the origin is lost."""
    server = SocksServer(0, in_pieces=in_pieces)
    where = parse_socket_address(f"127.0.0.1:{origin(server.serve).port}")
    lab = laboratory(443, egresses={"us": Socks5(where, (b"me", b"secret!"))})

    def fetch() -> bytes:
        with lab.greet() as client:
            return read_exactly(client, 12 + len(HELLO))

    assert await in_thread(fetch) == b"origin first" + HELLO
    assert server.asked == [NAME + b"\x01\xbb"]
    assert lab.asked == []
    await until(lambda: lab.open == 0)


@pytest.mark.parametrize("reply", [1, 5, 255])
async def test_a_socks5_server_that_refuses_ends_it(
    origin: MakeOrigin, laboratory: MakeLaboratory, reply: int
) -> None:
    """There is no second way for the region."""
    server = SocksServer(0, reply)
    where = parse_socket_address(f"127.0.0.1:{origin(server.serve).port}")
    lab = laboratory(443, egresses={"us": Socks5(where, (b"me", b"secret!"))})
    assert await in_thread(lab.ending) in {"closed", "reset"}
    await until(lambda: lab.open == 0)


async def test_a_socks5_server_that_is_away_ends_it(laboratory: MakeLaboratory) -> None:
    """Nobody listens there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        where = parse_socket_address(f"127.0.0.1:{unused.getsockname()[1]}")
        lab = laboratory(443, egresses={"us": Socks5(where)})
        assert await in_thread(lab.ending) in {"closed", "reset"}


async def test_a_socks5_server_that_has_gone_before_the_greeting_ends_it() -> None:
    """Reset between being reached and being greeted: said at once, not when time is up."""
    poller = Poller(loop_of(reactor))
    told: list[socket.socket | None] = []
    where = parse_socket_address("127.0.0.1:1080")
    connecting = ConnectingBySocks5(poller, ROOT, 443, Socks5(where), told.append)
    reached, gone = socket.socketpair()
    gone.close()
    connecting._greet(reached)
    assert told == [None]
    assert reached.fileno() < 0
