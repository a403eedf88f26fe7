"""Who is let in, and how many."""

import contextlib
import gc
import os
import resource
import socket
import time
from contextlib import ExitStack

from smartdns.contract.grants import Profile
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

FEW, MANY, NEW, STRANGER = (f"127.0.0.{last}" for last in (11, 12, 13, 14))


async def test_a_stranger_is_closed_unread(laboratory: MakeLaboratory) -> None:
    """Nothing is read of an address that nobody registered, and nothing waits for it."""
    lab = laboratory(443)
    lab.allowlist.profiles.clear()

    def knock() -> str:
        with lab.connect() as client:
            return ends(client)

    assert await in_thread(knock) == "closed"
    assert lab.open == 0


async def test_what_a_stranger_sent_is_answered_with_a_reset(laboratory: MakeLaboratory) -> None:
    """Closing with octets unread resets: proof that they were not read."""
    lab = laboratory(443)
    lab.allowlist.profiles.clear()

    def knock() -> str:
        with socket.socket() as client:
            client.settimeout(60)
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


async def test_a_full_relay_ends_what_was_silent_for_longest_of_who_has_most(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Those who hold all that they may make nobody wait, and who has one connection keeps it."""
    lab = laboratory(origin(echo).port, limits=RelayLimits(connections=4, drain=0.1))
    lab.allowlist.profiles |= {socket.inet_aton(each): Profile() for each in (FEW, MANY, NEW)}

    def speaks(client: socket.socket) -> bool:
        try:
            client.sendall(HELLO)
            return read_exactly(client, len(HELLO)) == HELLO
        except (OSError, AssertionError):
            return False

    def crowd() -> None:
        with lab.connect(source=FEW) as few, ExitStack() as stack:
            many = [stack.enter_context(lab.connect(source=MANY)) for _ in range(3)]
            assert speaks(few)
            for client in many:
                assert speaks(client)
            deadlines = lab.service.context.poller.deadlines
            tick = deadlines.now
            while deadlines.now == tick:
                time.sleep(0.01)
            for client in (many[0], many[2]):
                client.sendall(b"x")
                assert read_exactly(client, 1) == b"x"
            with lab.connect(source=NEW) as new:
                assert speaks(new)
                assert ends(many[1]) == "reset"
                assert [speaks(client) for client in (few, many[0], many[2])] == [True] * 3

    await in_thread(crowd)


async def test_a_stranger_crowds_out_nobody(origin: MakeOrigin, laboratory: MakeLaboratory) -> None:
    """It is closed before anybody makes room for it."""
    lab = laboratory(origin(echo).port, limits=RelayLimits(connections=1, drain=0.1))

    def knock() -> None:
        with lab.connect() as client:
            client.sendall(HELLO)
            assert read_exactly(client, len(HELLO)) == HELLO
            for _ in range(5):
                with lab.connect(source=STRANGER) as stranger:
                    assert ends(stranger) in {"closed", "reset"}
            client.sendall(b"still here")
            assert read_exactly(client, 10) == b"still here"

    await in_thread(knock)


async def test_without_descriptors_it_pauses_and_does_not_spin(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """EMFILE: open connections go on, no CPU is burnt, and later it accepts again."""
    lab = laboratory(origin(echo).port)
    first = await in_thread(lab.connect)
    await in_thread(first.sendall, HELLO)
    await in_thread(read_exactly, first, len(HELLO))
    others = iter(made := [socket.socket() for _ in range(8)])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gc.collect()  # whatever is closed later would make room again
    with socket.socket() as probe:
        lowest_free = probe.fileno()
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    taken = _take_all_descriptors()
    try:
        while not lab.service._listener.paused:
            second, open_before = next(others), lab.open
            await in_thread(second.connect, lab.tls)
            # Something that was closed meanwhile may have made room for it.
            await until(lambda n=open_before: lab.service._listener.paused or lab.open > n)
            taken += _take_all_descriptors()
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
    second.settimeout(60)
    await in_thread(second.sendall, HELLO)
    assert await in_thread(read_exactly, second, len(HELLO)) == HELLO
    for client in (first, *made):
        client.close()


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
