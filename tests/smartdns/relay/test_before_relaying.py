"""What is refused before anything reaches an origin."""

import socket
import time
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from smartdns.answering.names import name_of
from smartdns.answering.query import Name
from smartdns.contract.addresses import parse_socket_address
from smartdns.relay.admission import CheckOrigin, OriginRules, RelayLimits
from smartdns.relay.connection import State
from smartdns.relay.transport import Transport
from smartdns.upstream.look_up import Resolved
from smartdns.wire.host_name import NoName
from tests.peers.client_hello import block, extension, handshake, records, server_name
from tests.smartdns.relay.laboratory import (
    HELLO,
    NAME,
    Laboratory,
    MakeLaboratory,
    MakeOrigin,
    echo,
    ends,
    in_thread,
    read_all,
    reset,
    until,
)


def hello(*names: bytes) -> bytes:
    """Give a ClientHello with these names."""
    return records(handshake(server_name(*names)))


@pytest.mark.parametrize(
    "data",
    [
        hello(b"www.other.example"), hello(b"notfilm.example"), hello(b"film.example.net"),
        hello(b"127.0.0.1"), hello(b""), hello(NAME, NAME), hello(NAME + b"\x00"),
        records(handshake()), records(handshake(server_name(NAME), server_name(NAME))),
        records(handshake(extension(0, block(2, b"\x01" + block(2, NAME))))),
        b"GET / HTTP/1.1\r\nHost: " + NAME + b"\r\n\r\n", b"\x80\x2e\x01\x00\x02", bytes(100),
    ],
)  # fmt: skip
async def test_what_names_no_service_reaches_nobody(
    origin: MakeOrigin, laboratory: MakeLaboratory, data: bytes
) -> None:
    """Names outside the catalogue and everything that is no hello with one name end there."""
    reached: list[socket.socket] = []
    lab = laboratory(origin(reached.append).port)
    assert await in_thread(lab.ending, data) in {"closed", "reset"}
    assert reached == []
    assert lab.asked == []
    await until(lambda: lab.open == 0)
    assert lab.open == 0


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: " + NAME + b"\r\nHost: " + NAME + b"\r\n\r\n",
        b"GET http://" + NAME + b"/ HTTP/1.1\r\nHost: " + NAME + b"\r\n\r\n",
        b"CONNECT " + NAME + b":443 HTTP/1.1\r\nHost: " + NAME + b"\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: " + NAME + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: www.other.example\r\n\r\n",
        HELLO,
    ],
)
async def test_http_that_could_be_understood_differently_reaches_nobody(
    origin: MakeOrigin, laboratory: MakeLaboratory, head: bytes
) -> None:
    """Port 80 takes a plain request for one host."""
    reached: list[socket.socket] = []
    lab = laboratory(origin(reached.append).port)
    assert await in_thread(lab.ending, head, lab.http) in {"closed", "reset"}
    assert reached == []


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "169.254.169.254", "::1", "64:ff9b::7f00:1", "::ffff:127.0.0.1"]
)
async def test_an_origin_at_a_special_address_is_not_connected(
    laboratory: MakeLaboratory, address: str
) -> None:
    """The address is judged after resolution, as a public installation does."""
    lab = laboratory(443, answers={NAME: (address,)}, rules=OriginRules())
    assert await in_thread(lab.ending) in {"closed", "reset"}
    assert lab.asked != []


async def test_of_several_addresses_the_allowed_ones_are_connected(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """A forbidden address beside a good one does not end it, and is never tried."""
    lab = laboratory(origin(echo).port, answers={NAME: ("169.254.169.254", "127.0.0.1")})

    def talk() -> bytes:
        with lab.greet() as client:
            return client.recv(1)

    assert await in_thread(talk) == HELLO[:1]


async def test_the_relay_never_connects_to_itself(laboratory: MakeLaboratory) -> None:
    """A name that resolves to the relay's own port is no loop, in a laboratory either."""
    lab = laboratory(None)
    assert await in_thread(lab.ending) in {"closed", "reset"}
    await until(lambda: lab.open == 0)


async def test_an_origin_that_cannot_be_reached_ends_it(laboratory: MakeLaboratory) -> None:
    """Nobody listens there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        lab = laboratory(unused.getsockname()[1])
        assert await in_thread(lab.ending) in {"closed", "reset"}


async def test_a_name_without_addresses_ends_it(laboratory: MakeLaboratory) -> None:
    """The upstreams know none, or do not answer."""
    lab = laboratory(443, answers={b"elsewhere.example": ("127.0.0.1",)})
    assert await in_thread(lab.ending) in {"closed", "reset"}


async def test_who_says_nothing_is_not_waited_for_long(laboratory: MakeLaboratory) -> None:
    """Slow clients cannot fill the relay."""
    lab = laboratory(443, limits=RelayLimits(hello=0.3, drain=0.1))
    assert await in_thread(lab.ending, HELLO[:20]) in {"closed", "reset"}
    assert lab.open == 0


async def test_who_says_a_name_drop_by_drop_is_not_waited_for_any_longer(
    laboratory: MakeLaboratory,
) -> None:
    """The limit is for the whole name: octets on the way to it do not put it off."""
    lab = laboratory(443, limits=RelayLimits(hello=0.3, drain=0.1))
    long = records(handshake(extension(21, bytes(1000)), server_name(NAME)))

    def drip() -> str:
        with lab.connect() as client:
            client.settimeout(0.02)
            for octet in long:
                try:
                    client.send(bytes((octet,)))
                    return ends(client)
                except TimeoutError:
                    continue
                except ConnectionError:
                    return "reset"
        return "waited for"

    assert await in_thread(drip) in {"closed", "reset"}
    await until(lambda: lab.open == 0)


async def test_what_comes_while_the_origin_is_looked_up_is_passed_on(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """Octets and the end of a client that nobody listened to meanwhile."""
    lab = laboratory(origin(lambda connection: connection.sendall(read_all(connection))).port)
    late: Deferred[Resolved | None] = Deferred()
    lab.origins._lookup = lambda _name: late
    client = await named(lab)
    await in_thread(client.sendall, b"and more")
    client.shutdown(socket.SHUT_WR)
    late.callback(Resolved((b"\x7f\x00\x00\x01",), 60.0))
    assert await in_thread(read_all, client) == HELLO + b"and more"
    client.close()
    await until(lambda: lab.open == 0)


async def test_a_reset_while_the_origin_is_looked_up_ends_it(laboratory: MakeLaboratory) -> None:
    """At once, not when the look-up ends; its late answer begins nothing."""
    lab = laboratory(443)
    late: Deferred[Resolved | None] = Deferred()
    lab.origins._lookup = lambda _name: late
    client = await named(lab)
    reset(client)
    await until(lambda: lab.open == 0)
    late.callback(Resolved((b"\x7f\x00\x00\x01",), 60.0))
    assert lab.open == 0


async def named(lab: Laboratory) -> socket.socket:
    """Give a client whose origin is looked up; the relay had to wait for part of its hello."""
    client = await in_thread(lab.connect)
    await in_thread(client.sendall, HELLO[:30])
    await until(lambda: states(lab) == {State.READING})
    await in_thread(client.sendall, HELLO[30:])
    await until(lambda: states(lab) == {State.FINDING})
    return client


def states(lab: Laboratory) -> set[State]:
    """Give the states of all connections."""
    return {one.connection.state for one in lab.service.context.census}


class FaultyReader:
    """Fails as only a fault of ours would make it."""

    def feed(self, _data: bytes) -> Name | NoName:
        raise ZeroDivisionError


def test_a_fault_of_ours_leaves_no_connection_behind(laboratory: MakeLaboratory) -> None:
    """What fails before there is a deadline is ended at once, and the fault is told of."""
    lab = laboratory(443)
    address = b"\x7f\x00\x00\x01"
    profile = lab.admission.admit(address, 0)
    assert profile is not None
    client, ours = socket.socketpair()
    client.send(b"x")
    faulty: Any = FaultyReader()
    with pytest.raises(ZeroDivisionError):
        Transport(lab.service.context, ours, address, profile, faulty, 443).start()
    with client:
        assert ends(client) == "closed"
    assert lab.open == 0


async def test_a_lookup_without_end_is_not_waited_for_long(laboratory: MakeLaboratory) -> None:
    """The limit for connecting holds for finding the address as well."""
    lab = laboratory(443, limits=RelayLimits(connect=0.3, drain=0.1))
    late: Deferred[Resolved | None] = Deferred()
    lab.origins._lookup = lambda _name: late
    assert await in_thread(lab.ending) in {"closed", "reset"}
    late.callback(Resolved((b"\x7f\x00\x00\x01",), 60.0))
    assert lab.open == 0


async def test_a_client_that_leaves_early_is_forgotten(laboratory: MakeLaboratory) -> None:
    """Half a hello and a close leave nothing behind."""
    lab = laboratory(443)

    def leave() -> None:
        with lab.connect() as client:
            client.sendall(HELLO[:30])

    await in_thread(leave)
    await until(lambda: lab.open == 0)


async def test_an_end_that_comes_with_the_name_is_passed_on(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """A client may say all that it has, and its last, before anybody reads."""
    lab = laboratory(origin(lambda connection: connection.sendall(read_all(connection))).port)
    half = len(HELLO) // 2

    def talk() -> bytes:
        with lab.connect() as client:
            client.sendall(HELLO[:half])
            time.sleep(0.02)  # so that the rest and the end come in one event
            client.sendall(HELLO[half:] + bytes(30_000))
            client.shutdown(socket.SHUT_WR)
            return read_all(client)

    for _ in range(20):
        assert await in_thread(talk) == HELLO + bytes(30_000)


CHECK = b"relay-a1b2-film.check.dns.example"


def checking(port: int) -> CheckOrigin:
    """Let a relay take check names to a port of this machine."""
    where = parse_socket_address(f"127.0.0.1:{port}")
    return CheckOrigin(name_of("check.dns.example"), where)


@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "HTTP"])
async def test_a_check_name_of_a_relay_leads_to_the_picture(
    origin: MakeOrigin, laboratory: MakeLaboratory, *, tls: bool
) -> None:
    """Octet for octet, to where the operator said, by no look-up, and past every origin's rule."""
    picture = origin(echo)
    lab = laboratory(1, rules=OriginRules())
    lab.admission.check = checking(picture.port)
    said = hello(CHECK) if tls else b"GET / HTTP/1.1\r\nHost: " + CHECK + b"\r\n\r\n"

    def there_and_back() -> bytes:
        with lab.connect(lab.tls if tls else lab.http) as client:
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
            return read_all(client)

    assert await in_thread(there_and_back) == said
    assert lab.asked == []


@pytest.mark.parametrize(
    "name",
    [
        b"a1b2.check.dns.example", b"in-us-a1-film.check.dns.example", b"check.dns.example",
        b"relay-a1-film.b.check.dns.example", b"relay-a1-film.dns.example",
        b"relay-a1-film.check.dns.example.net",
    ],
)  # fmt: skip
async def test_no_other_name_leads_to_the_picture(
    origin: MakeOrigin, laboratory: MakeLaboratory, name: bytes
) -> None:
    """Other check names, and names round them, are as any name outside the catalogue."""
    reached: list[socket.socket] = []
    lab = laboratory(1)
    lab.admission.check = checking(origin(reached.append).port)
    assert await in_thread(lab.ending, hello(name)) in {"closed", "reset"}
    assert reached == []


async def test_without_a_check_origin_check_names_lead_nowhere(
    origin: MakeOrigin, laboratory: MakeLaboratory
) -> None:
    """As any name outside the catalogue."""
    lab = laboratory(origin(echo).port)
    assert await in_thread(lab.ending, hello(CHECK)) in {"closed", "reset"}
    assert lab.asked == []
