"""What goes through a relay, between real sockets."""

import contextlib
import hashlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from smartdns.relay.protocol import Relayed
from smartdns.relay.session import Limits
from smartdns.relay.splice import LARGE_PIPE, Flow
from tests.smartdns.relay.laboratory import (
    HELLO,
    NAME,
    Laboratory,
    Origin,
    echo,
    ends,
    in_thread,
    read_all,
    read_exactly,
    until,
)

MakeOrigin = Callable[..., Origin]
MakeLaboratory = Callable[..., Laboratory]


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


async def test_http_is_relayed_by_its_host(origin: MakeOrigin, laboratory: MakeLaboratory) -> None:
    """Port 80's requests find their origin by the Host field."""
    lab = laboratory(origin(echo).port)
    request = b"GET / HTTP/1.1\r\nHost: " + NAME + b"\r\n\r\n"

    def talk() -> bytes:
        with lab.connect(lab.http) as client:
            client.sendall(request)
            return read_exactly(client, len(request))

    assert await in_thread(talk) == request


@pytest.mark.parametrize("size", [100, 70_000, 3_000_000, 40_000_000])
async def test_any_amount_comes_through_both_ways_unchanged(
    origin: MakeOrigin, laboratory: MakeLaboratory, size: int
) -> None:
    """Copied or spliced, small pipe or large, not an octet is lost, doubled or moved."""
    data = os.urandom(size)
    sums: list[str] = []

    def serve(connection: socket.socket) -> None:
        assert read_exactly(connection, len(HELLO)) == HELLO
        sums.append(hashlib.sha256(read_all(connection)).hexdigest())
        connection.sendall(data)

    lab = laboratory(origin(serve).port)

    def talk() -> str:
        with lab.connect() as client:
            client.sendall(HELLO + data)
            client.shutdown(socket.SHUT_WR)
            return hashlib.sha256(read_all(client)).hexdigest()

    expected = hashlib.sha256(data).hexdigest()
    assert await in_thread(talk) == expected
    assert sums == [expected]


def reset(connection: socket.socket) -> None:
    """Close with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


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
        with lab.connect() as client:
            client.sendall(HELLO)
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
        client = lab.connect()
        client.sendall(HELLO)
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
        with lab.connect() as client:
            client.sendall(HELLO)
            return ends(client)

    assert await in_thread(talk) == "reset"
    await until(lambda: lab.open == 0)


async def test_a_reset_is_noticed_while_the_other_side_reads_nothing(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """A stalled reader does not keep the dead half of its connection alive."""
    begin = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_exactly(connection, len(HELLO))
        connection.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            while True:
                connection.sendall(bytes(1 << 20))
        begin.wait(20)
        reset(connection)

    lab = laboratory(origin(serve).port)
    client = await in_thread(lab.connect)
    await in_thread(client.sendall, HELLO)
    await until(lambda: any(one._down.flow is Flow.BLOCKED for one in relayed(lab)))
    begin.set()
    await until(lambda: lab.open == 0)
    client.close()


def relayed(lab: Laboratory) -> list[Relayed]:
    """Give the connections that have reached their origin."""
    return [one for one in lab.service.relay.open if isinstance(one, Relayed)]


async def test_a_stalled_reader_holds_a_bounded_buffer_and_loses_nothing(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """The origin is held back; what the client then reads is all that was sent."""
    sent = [0]
    size = 200 << 20

    def serve(connection: socket.socket) -> None:
        read_exactly(connection, len(HELLO))
        while sent[0] < size:
            sent[0] += connection.send(bytes(min(1 << 20, size - sent[0])))

    lab = laboratory(origin(serve).port)
    client = await in_thread(lab.connect)
    await in_thread(client.sendall, HELLO)
    await until(lambda: any(one._down.flow is Flow.BLOCKED for one in relayed(lab)))
    stalled_at = -1

    def stalled() -> bool:
        nonlocal stalled_at
        before, stalled_at = stalled_at, sent[0]
        return before == stalled_at

    await until(stalled)
    assert 0 < stalled_at < size
    (one,) = relayed(lab)
    assert one._down._held <= LARGE_PIPE
    assert len(await in_thread(read_all, client)) == size
    client.close()
    await until(lambda: lab.open == 0)


async def test_pipes_are_held_only_while_octets_are_in_them(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """After a large transfer the connection stays and its pipes go back to the kernel."""

    def serve(connection: socket.socket) -> None:
        read_exactly(connection, len(HELLO))
        connection.sendall(bytes(30_000_000))
        read_all(connection)

    lab = laboratory(origin(serve).port)
    client = await in_thread(lab.connect)
    await in_thread(client.sendall, HELLO)
    await in_thread(read_exactly, client, 30_000_000)
    pipes = lab.service.relay.pipes
    (one,) = relayed(lab)
    await until(lambda: one._down._pipe is None and pipes.open == 0)
    client.close()
    await until(lambda: lab.open == 0)


async def test_without_pipes_octets_are_copied(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Where the kernel gives no pipe, everything still comes through."""
    data = os.urandom(5_000_000)

    def serve(connection: socket.socket) -> None:
        read_exactly(connection, len(HELLO))
        connection.sendall(data)

    lab = laboratory(origin(serve).port)
    lab.service.relay.pipes._most = 0

    def talk() -> bytes:
        with lab.connect() as client:
            client.sendall(HELLO)
            return read_all(client)

    assert await in_thread(talk) == data
    assert lab.service.relay.pipes.open == 0


async def test_a_connection_without_traffic_ends(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """The idle limit; traffic puts it off."""
    lab = laboratory(origin(echo).port, limits=Limits(idle=0.6, drain=0.1))

    def talk() -> tuple[float, str]:
        with lab.connect() as client:
            client.sendall(HELLO)
            read_exactly(client, len(HELLO))
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

    lab = laboratory(origin(serve).port, limits=Limits(half_closed=0.4, drain=0.1))

    def talk() -> str:
        with lab.connect() as client:
            client.sendall(HELLO)
            client.shutdown(socket.SHUT_WR)
            return ends(client)

    assert await in_thread(talk) == "reset"
    gone.set()
    await until(lambda: lab.open == 0)


async def test_many_connections_at_once_do_not_mix(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Sixty-four streams of different octets, some of them large."""
    lab = laboratory(origin(echo).port)

    def talk(number: int) -> bool:
        data = bytes((number,)) * (50_000 * number + 1)
        with lab.connect() as client:
            client.sendall(HELLO)
            assert read_exactly(client, len(HELLO)) == HELLO
            sender = threading.Thread(target=client.sendall, args=(data,))
            sender.start()
            came = read_exactly(client, len(data))
            sender.join()
            return came == data

    def all_of_them() -> list[bool]:
        with ThreadPoolExecutor(64) as pool:
            return list(pool.map(talk, range(64)))

    assert all(await in_thread(all_of_them))
    await until(lambda: lab.open == 0)
