"""What goes through a relay, between real sockets."""

import hashlib
import os
import socket
from collections.abc import Callable

import pytest

from tests.smartdns.relay.laboratory import (
    HELLO,
    NAME,
    Laboratory,
    Origin,
    echo,
    in_thread,
    read_all,
    read_exactly,
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
