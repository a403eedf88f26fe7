"""How a relayed connection goes and ends, between real sockets."""

import os
import socket
import threading
import time

import pytest

from smartdns.relay.admission import RelayLimits
from tests.peers.client_hello import block, extension, handshake, records, server_name
from tests.smartdns.relay.laboratory import (
    HELLO,
    NAME,
    MakeLaboratory,
    MakeOrigin,
    echo,
    ends,
    in_thread,
    read_all,
    read_exactly,
    reset,
    until,
)


async def test_octets_reach_the_origin_identical_and_come_back(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """The hello, what follows it, and the answer are passed on unchanged."""
    lab = laboratory(origin(echo).port)

    def talk() -> bytes:
        with lab.connect() as client:
            client.sendall(HELLO + b"early")
            received = read_exactly(client, len(HELLO) + 5)
            client.sendall(b"later")
            return received + read_exactly(client, 5)

    assert await in_thread(talk) == HELLO + b"earlylater"


async def test_a_hello_of_single_octets_is_relayed(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """TCP may cut anywhere."""
    lab = laboratory(origin(echo).port)

    def talk() -> bytes:
        with lab.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for octet in HELLO:
                client.send(bytes((octet,)))
            return read_exactly(client, len(HELLO))

    assert await in_thread(talk) == HELLO


def modern(size: int) -> bytes:
    """Give a hello with GREASE, a hybrid ML-KEM share and ECH, padded, in records of `size`."""
    grease = extension(0x0A0A, b"\x00")
    key_share = extension(51, block(2, b"\x11\xec" + block(2, os.urandom(1216))))
    encrypted = extension(0xFE0D, os.urandom(200))
    padding = extension(21, bytes(60_000))
    return records(handshake(grease, encrypted, key_share, padding, server_name(NAME)), size)


@pytest.mark.parametrize("size", [50, 16_384])
async def test_a_large_modern_hello_reaches_the_origin_identical(
    origin: MakeOrigin, laboratory: MakeLaboratory, size: int
) -> None:
    """Close to 64 kB, in many records or few: the outer name leads there, no octet differs."""
    lab = laboratory(origin(echo).port)
    hello = modern(size)

    def talk() -> bytes:
        with lab.connect() as client:
            client.sendall(hello)
            return read_exactly(client, len(hello))

    assert await in_thread(talk) == hello
    assert len(lab.asked) == 1


async def test_one_connection_has_one_origin(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """A later request for another host goes where the first went: nobody else is looked up."""
    lab = laboratory(origin(echo).port)
    first = b"GET / HTTP/1.1\r\nHost: " + NAME + b"\r\n\r\n"
    later = b"GET / HTTP/1.1\r\nHost: other.film.example\r\n\r\n"

    def talk() -> bytes:
        with lab.connect(lab.http) as client:
            client.sendall(first)
            came = read_exactly(client, len(first))
            client.sendall(later)
            return came + read_exactly(client, len(later))

    assert await in_thread(talk) == first + later
    assert len(lab.asked) == 1


async def test_http_is_relayed_by_its_host(origin: MakeOrigin, laboratory: MakeLaboratory) -> None:
    """Port 80's requests find their origin by the Host field."""
    lab = laboratory(origin(echo).port)
    request = b"GET / HTTP/1.1\r\nHost: " + NAME + b"\r\n\r\n"

    def talk() -> bytes:
        with lab.connect(lab.http) as client:
            client.sendall(request)
            return read_exactly(client, len(request))

    assert await in_thread(talk) == request


async def test_each_side_may_say_its_last_and_still_listen(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Half-close from the origin: the client can go on sending, and be read to its end."""
    heard: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        read_exactly(connection, len(HELLO))
        connection.sendall(b"my last")
        connection.shutdown(socket.SHUT_WR)
        heard.append(read_all(connection))

    lab = laboratory(origin(serve).port)

    def talk() -> bytes:
        with lab.greet() as client:
            said = read_all(client)
            client.sendall(b"and mine")
            return said

    assert await in_thread(talk) == b"my last"
    await until(lambda: heard == [b"and mine"] and lab.open == 0)


async def test_a_reset_by_the_client_reaches_the_origin_as_one(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """An abort must not look like a good end of data."""
    ended: list[str] = []

    def serve(connection: socket.socket) -> None:
        read_exactly(connection, len(HELLO))
        connection.sendall(b"x")
        ended.append(ends(connection))

    lab = laboratory(origin(serve).port)

    def abort() -> None:
        client = lab.greet()
        client.recv(1)
        reset(client)

    await in_thread(abort)
    await until(lambda: ended == ["reset"] and lab.open == 0)


async def test_a_reset_by_the_origin_reaches_the_client_as_one(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """The other way round."""

    def serve(connection: socket.socket) -> None:
        read_exactly(connection, len(HELLO))
        reset(connection)

    lab = laboratory(origin(serve).port)

    def talk() -> str:
        with lab.greet() as client:
            return ends(client)

    assert await in_thread(talk) == "reset"
    await until(lambda: lab.open == 0)


async def test_a_connection_without_traffic_ends(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """The idle limit; traffic puts it off."""
    lab = laboratory(origin(echo).port, limits=RelayLimits(idle=0.6, drain=0.1))

    def talk() -> tuple[float, str]:
        with lab.converse() as client:
            begun = time.monotonic()
            for _ in range(4):
                time.sleep(0.3)
                client.sendall(b"on")
                assert read_exactly(client, 2) == b"on"
            ended = ends(client)
            return time.monotonic() - begun, ended

    lasted, ended = await in_thread(talk)
    assert lasted > 1.5
    assert ended == "reset"


async def test_a_half_closed_connection_ends_sooner(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """A side that never closes does not hold what the other has left."""
    gone = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_all(connection)
        gone.wait(20)

    lab = laboratory(origin(serve).port, limits=RelayLimits(half_closed=0.4, drain=0.1))

    def talk() -> str:
        with lab.greet() as client:
            client.shutdown(socket.SHUT_WR)
            return ends(client)

    assert await in_thread(talk) == "reset"
    gone.set()
    await until(lambda: lab.open == 0)
