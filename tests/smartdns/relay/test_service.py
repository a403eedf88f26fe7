"""When a relay begins, whom it cuts, how it ends."""

import ipaddress
import socket
import threading
from collections import Counter

import pytest

from smartdns.contract.addresses import SocketAddress
from smartdns.contract.grants import Profile
from smartdns.process.sockets import bind
from smartdns.relay.admission import RelayLimits
from tests.smartdns.relay.laboratory import (
    HELLO,
    Laboratory,
    MakeLaboratory,
    MakeOrigin,
    echo,
    ends,
    in_thread,
    read_all,
    read_exactly,
    until,
)


async def test_nobody_is_accepted_until_the_allowlist_was_read(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Who comes earlier is no stranger: the connection waits, and is served then."""
    lab = Laboratory(origin(echo).port)
    lab.allowlist.loaded = False
    lab.service.startService()
    early = await in_thread(lab.greet)
    assert not lab.service.report()["ready"]
    assert lab.open == 0
    lab.allowlist.loaded = True
    await until(lambda: bool(lab.service.report()["ready"]))
    assert await in_thread(read_exactly, early, len(HELLO)) == HELLO
    early.close()
    await lab.stop()


async def test_udp_on_the_relays_port_is_closed_and_not_silent(
    laboratory: MakeLaboratory,
) -> None:
    """QUIC is turned away at once, so that apps fall back to TCP without waiting."""
    lab = laboratory(443)

    def knock() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(60)
            client.connect(lab.tls)
            client.send(bytes(1200))
            with pytest.raises(ConnectionRefusedError):
                client.recv(1)

    await in_thread(knock)


async def test_connections_of_a_removed_address_are_cut_within_five_seconds(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """With traffic or without; another address's go on."""
    lab = laboratory(origin(echo).port)
    client = await in_thread(lab.converse)
    kept = lab.allowlist.profiles[b"\x7f\x00\x00\x01"]
    lab.allowlist.profiles[b"\x7f\x00\x00\x02"] = kept
    other = socket.socket()
    other.settimeout(60)
    other.bind(("127.0.0.2", 0))
    await in_thread(other.connect, lab.tls)
    await in_thread(other.sendall, HELLO)
    await in_thread(read_exactly, other, len(HELLO))
    lab.allowlist.remove(b"\x7f\x00\x00\x01")
    client.settimeout(60)
    assert await in_thread(ends, client) == "reset"
    await in_thread(other.sendall, b"still here")
    assert await in_thread(read_exactly, other, 10) == b"still here"
    client.close()
    other.close()


async def test_everybody_is_cut_when_the_allowlist_is_believed_no_longer(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """The mirror fails closed, and so does what is open."""
    lab = laboratory(origin(echo).port)
    client = await in_thread(lab.converse)
    lab.allowlist.profiles.clear()
    lab.allowlist.loaded = False
    client.settimeout(60)
    assert await in_thread(ends, client) == "reset"
    client.close()


async def test_stopping_lets_what_is_under_way_come_through(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """No new connection is taken, a running transfer ends well, an idle one does not hold it up."""
    go_on = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_exactly(connection, len(HELLO))
        for _ in range(20):
            connection.sendall(bytes(1000))
            go_on.wait(0.1)

    lab = laboratory(origin(serve).port, limits=RelayLimits(drain=20))
    client = await in_thread(lab.greet)
    await in_thread(client.recv, 1)
    silent = await in_thread(lab.connect)
    await until(lambda: lab.open == 2)
    stopped = lab.stop()
    with pytest.raises(ConnectionRefusedError):
        await in_thread(lab.connect)
    assert len(await in_thread(read_all, client)) == 20_000 - 1
    client.close()
    await stopped
    assert await in_thread(ends, silent) in {"closed", "reset"}
    silent.close()


async def test_stopping_does_not_wait_for_ever(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """What does not end within the limit is cut."""

    def serve(connection: socket.socket) -> None:
        while True:
            connection.sendall(bytes(100_000))

    lab = laboratory(origin(serve).port, limits=RelayLimits(drain=0.5))

    def fetch() -> str:
        with lab.greet() as client:
            try:
                read_all(client)
            except ConnectionResetError:
                return "reset"
            return "closed"

    fetched = in_thread(fetch)
    await until(lambda: lab.open == 1)
    await lab.stop()
    assert await fetched == "reset"


async def test_workers_share_a_port_by_household_and_each_may_go(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """All connections of a household are one worker's; one that stops leaves the port to others."""
    where = SocketAddress(ipaddress.IPv4Address("127.0.0.1"), 0)
    sockets = bind("relay-tls", socket.SOCK_STREAM, where, count=2)
    port = origin(echo).port
    first, second = (laboratory(port, tls=one.socket) for one in sockets)
    assert first.tls == second.tls
    sources = [f"127.0.{network}.1" for network in range(8)]
    for lab in (first, second):
        lab.allowlist.profiles |= {socket.inet_aton(each): Profile() for each in sources}
    clients = [await in_thread(first.converse, each) for each in sources for _ in range(5)]
    ours, others = (
        Counter(one.address for one in lab.service.context.census) for lab in (first, second)
    )
    assert ours + others == {socket.inet_aton(each): 5 for each in sources}
    assert ours
    assert others
    assert not set(ours) & set(others)
    stopped = first.stop()
    for client in clients:
        client.close()
    await stopped
    (await in_thread(first.converse)).close()
    await until(lambda: second.open == 0)
