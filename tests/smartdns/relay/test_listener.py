"""Who is let in, and how many."""

import contextlib
import gc
import os
import resource
import socket
import time

from smartdns.relay.admission import RelayLimits
from tests.smartdns.relay.laboratory import (
    HELLO,
    MakeLaboratory,
    MakeOrigin,
    echo,
    ends,
    in_thread,
    read_exactly,
    until,
)


async def test_a_stranger_is_closed_unread(laboratory: MakeLaboratory) -> None:
    """Nothing is read of an address that nobody registered, and nothing waits for it."""
    lab = laboratory(443)
    lab.allowlist.profiles.clear()

    def knock() -> str:
        with lab.connect() as client:
            return ends(client)

    assert await in_thread(knock) == "closed"
    assert lab.census.total == 0
    assert lab.open == 0


async def test_what_a_stranger_sent_is_answered_with_a_reset(laboratory: MakeLaboratory) -> None:
    """Closing with octets unread resets: proof that they were not read."""
    lab = laboratory(443)
    lab.allowlist.profiles.clear()

    def knock() -> str:
        with socket.socket() as client:
            client.settimeout(20)
            client.connect(lab.tls)
            try:
                client.sendall(HELLO)
                time.sleep(0.05)
                return ends(client)
            except (ConnectionResetError, BrokenPipeError):
                return "reset"

    assert await in_thread(knock) in {"reset", "closed"}
    assert lab.asked == []


async def test_one_client_gets_no_more_than_its_share(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """The connection beyond is closed; the others go on; a place that is left is free again."""
    lab = laboratory(origin(echo).port, limits=RelayLimits(connections_per_client=2, drain=0.1))

    def fill() -> None:
        with lab.connect() as one, lab.connect() as two:
            for client in (one, two):
                client.sendall(HELLO)
                assert read_exactly(client, len(HELLO)) == HELLO
            with lab.connect() as three:
                assert ends(three) in {"closed", "reset"}
            one.sendall(b"still here")
            assert read_exactly(one, 10) == b"still here"

    await in_thread(fill)
    await until(lambda: lab.open == 0)
    await in_thread(lambda: lab.connect().close())


async def test_a_full_relay_lets_connections_wait(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Beyond the limit in all nothing is accepted, until somebody leaves."""
    lab = laboratory(origin(echo).port, limits=RelayLimits(connections=1, drain=0.1))

    def wait() -> bytes:
        with lab.connect() as first:
            first.sendall(HELLO)
            read_exactly(first, len(HELLO))
            second = lab.connect()
            second.sendall(HELLO)
            second.settimeout(0.4)
            try:
                second.recv(1)
            except TimeoutError:
                pass
            else:
                raise AssertionError("it was served although the relay was full")
        with second:
            second.settimeout(20)
            return read_exactly(second, len(HELLO))

    assert await in_thread(wait) == HELLO


async def test_without_descriptors_it_pauses_and_does_not_spin(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """EMFILE: open connections go on, no CPU is burnt, and later it accepts again."""
    lab = laboratory(origin(echo).port)
    first = await in_thread(lab.connect)
    await in_thread(first.sendall, HELLO)
    await in_thread(read_exactly, first, len(HELLO))
    second = socket.socket()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gc.collect()  # whatever is closed later would make room again
    with socket.socket() as probe:
        lowest_free = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    taken = _take_all_descriptors()
    try:
        await in_thread(second.connect, lab.tls)
        await until(lambda: lab.service._listener.paused)
        burnt = time.process_time()
        begun = time.monotonic()
        await in_thread(first.sendall, b"go on")
        assert await in_thread(read_exactly, first, 5) == b"go on"
        await in_thread(time.sleep, 0.5)
        burnt = time.process_time() - burnt
        assert burnt < 0.5 * (time.monotonic() - begun)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)
    await in_thread(second.sendall, HELLO)
    assert await in_thread(read_exactly, second, len(HELLO)) == HELLO
    first.close()
    second.close()


def _take_all_descriptors() -> list[int]:
    taken = []
    with contextlib.suppress(OSError):
        while True:
            taken.append(os.dup(0))
    return taken


async def test_ipv6_clients_are_let_in_by_their_address(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Sixteen octets, from an IPv6 socket, to an IPv6 origin."""
    lab = laboratory(origin(echo, "::1").port, host="::1")

    def talk() -> bytes:
        with lab.connect() as client:
            client.sendall(HELLO)
            return read_exactly(client, len(HELLO))

    assert await in_thread(talk) == HELLO
