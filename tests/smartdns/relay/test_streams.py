"""Many octets through a relay: none lost, none hoarded."""

import contextlib
import hashlib
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from smartdns.relay.connection import State
from smartdns.relay.splice import LARGE_PIPE, Flow
from smartdns.relay.transport import Transport
from tests.smartdns.relay.laboratory import (
    HELLO,
    Laboratory,
    MakeLaboratory,
    MakeOrigin,
    echo,
    in_thread,
    read_all,
    read_exactly,
    reset,
    until,
)


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
    client = await in_thread(lab.greet)
    await until(lambda: any(one._down.flow is Flow.BLOCKED for one in relayed(lab)))
    begin.set()
    await until(lambda: lab.open == 0)
    client.close()


def relayed(lab: Laboratory) -> list[Transport]:
    """Give the connections that have reached their origin."""
    states = {State.RELAYING, State.HALF_CLOSED}
    return [one for one in lab.service.context.census if one.connection.state in states]


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
    client = await in_thread(lab.greet)
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
    client = await in_thread(lab.greet)
    await in_thread(read_exactly, client, 30_000_000)
    pipes = lab.service.context.pipes
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
    lab.service.context.pipes._most = 0

    def talk() -> bytes:
        with lab.greet() as client:
            return read_all(client)

    assert await in_thread(talk) == data
    assert lab.service.context.pipes.open == 0


async def test_many_connections_at_once_do_not_mix(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Sixty-four streams of different octets, some of them large."""
    lab = laboratory(origin(echo).port)

    def talk(number: int) -> bool:
        data = bytes((number,)) * (50_000 * number + 1)
        with lab.converse() as client:
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
