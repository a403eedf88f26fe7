"""Which socket of a port gets what comes in: by a second reading of classic BPF, and by Linux."""

import ipaddress
import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.rules.rate_limit import stranger_key
from smartdns.contract.addresses import SocketAddress, parse_address
from smartdns.process.socket_by_source import Instruction, pick_by_source, program
from smartdns.process.sockets import NamedSocket, bind, start_listening
from tests.peers.own_network import in_own_network

IPV6_FREEBIND = 78  # of linux/in6.h
UDP, TCP = socket.SOCK_DGRAM, socket.SOCK_STREAM
octets = st.integers(0, 255)


def expected(source: str, sockets: int) -> int:
    """Say in Python what the program is to say: by the upper half of a product of 32 bits."""
    packed, golden = ipaddress.ip_address(source).packed, 0x9E3779B1
    if len(packed) == 4:
        mixed = int.from_bytes(packed[:3])
    else:
        mixed = int.from_bytes(packed[4:7]) ^ (int.from_bytes(packed[:4]) * golden % 2**32)
    return (mixed * golden % 2**32 >> 16) * sockets >> 16


def header(source: bytes) -> bytes:
    """Give an IP header whose other fields say nothing of where they are."""
    if len(source) == 4:
        return b"\x45" + bytes(range(1, 12)) + source + b"\xff" * 4
    return b"\x60" + bytes(range(1, 8)) + source + b"\xff" * 16


def interpret(instructions: Sequence[Instruction], packet: bytes) -> int:
    """Run classic BPF as filter.rst describes it; loads are from the network header only."""
    a = x = at = 0
    while True:
        code, if_true, if_false, k = instructions[at]
        at += 1
        operation, source = code & 0xF0, x if code & 0x08 else k
        match code & 0x07:
            case 0x00:  # load
                assert code & 0xE0 == 0x20, "an absolute offset"
                offset, size = k - (2**32 - 0x100000), {0x00: 4, 0x08: 2, 0x10: 1}[code & 0x18]
                assert 0 <= offset <= len(packet) - size
                a = int.from_bytes(packet[offset : offset + size])
            case 0x04:  # arithmetic
                compute: Callable[[int, int], int] = {
                    0x20: lambda a, b: a * b,
                    0x70: lambda a, b: a >> b,
                    0xA0: lambda a, b: a ^ b,
                }[operation]
                a = compute(a, source) % 2**32
            case 0x05:  # jump
                assert operation == 0x10, "if equal"
                at += if_true if a == source else if_false
            case 0x06:  # return
                assert code == 0x16, "A"
                return a
            case 0x07:
                a, x = (x, x) if code & 0x80 else (a, a)
            case other:
                pytest.fail(f"class {other}")


def test_the_program_is_what_was_reviewed() -> None:
    """As values, in the notation of bpf_asm: operation, jumps, operand."""
    net = 2**32 - 0x100000
    assert program(3) == (
        (0x20, 0, 0, net + 12),  # ld [net + 12]
        (0x74, 0, 0, 8),  # rsh #8
        (0x07, 0, 0, 0),  # tax
        (0x30, 0, 0, net),  # ldb [net]
        (0x74, 0, 0, 4),  # rsh #4
        (0x15, 0, 4, 6),  # jneq #6, both
        (0x20, 0, 0, net + 8),  # ld [net + 8]
        (0x24, 0, 0, 0x9E3779B1),  # mul #0x9E3779B1
        (0xAC, 0, 0, 0),  # xor x
        (0x07, 0, 0, 0),  # tax
        (0x87, 0, 0, 0),  # both: txa
        (0x24, 0, 0, 0x9E3779B1),  # mul #0x9E3779B1
        (0x74, 0, 0, 16),  # rsh #16
        (0x24, 0, 0, 3),  # mul #3
        (0x74, 0, 0, 16),  # rsh #16
        (0x16, 0, 0, 0),  # ret a
    )


@given(st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16), st.integers(1, 999))
def test_it_computes_what_is_said_in_python(source: bytes, sockets: int) -> None:
    """And a number that is a socket's, for every source and any number of sockets."""
    found = interpret(program(sockets), header(source))
    assert found == expected(str(ipaddress.ip_address(source)), sockets)
    assert 0 <= found < sockets


@given(st.data(), st.integers(2, 64))
def test_who_shares_a_rate_shares_a_socket(data: st.DataObject, sockets: int) -> None:
    """The rest of an address beyond the network that rates are counted by says nothing."""
    length = data.draw(st.sampled_from((4, 16)))
    one = data.draw(st.binary(min_size=length, max_size=length))
    key = stranger_key(one)
    rest = length - len(key)
    other = key + data.draw(st.binary(min_size=rest, max_size=rest))
    assert stranger_key(other) == key
    of = program(sockets)
    assert interpret(of, header(one)) == interpret(of, header(other))


NEIGHBOURS = {
    "/24 after /24": [bytes((10, 20, i, 1)) for i in range(256)],
    "/16 after /16": [bytes((10, i, 7, 1)) for i in range(256)],
    "/56 after /56": [bytes.fromhex(f"20010db80000{i:02x}000000000000000000") for i in range(256)],
    "/48 after /48": [bytes.fromhex(f"20010db800{i:02x}00000000000000000000") for i in range(256)],
    "/40 after /40": [bytes.fromhex(f"20010db8{i:02x}0000000000000000000000") for i in range(256)],
}
OPERATORS = [bytes.fromhex(f"2001{i:04x}123456000000000000000000") for i in range(256)]


@pytest.mark.parametrize("sockets", [2, 3, 4, 7, 8])
@pytest.mark.parametrize("networks", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_neighbours_are_spread_evenly(networks: list[bytes], sockets: int) -> None:
    """No socket has a tenth more than its part of 256 networks."""
    assert most_of(networks, sockets) <= 1.1


@pytest.mark.parametrize("sockets", [2, 3, 4, 7, 8])
def test_operators_are_spread_fairly(sockets: int) -> None:
    """Nor a third more of networks that differ in the /32 alone, which must be mixed twice."""
    assert most_of(OPERATORS, sockets) <= 4 / 3


def most_of(networks: Sequence[bytes], sockets: int) -> float:
    """Give what the busiest socket has, in its equal part of the networks."""
    counts = Counter(interpret(program(sockets), header(each)) for each in networks)
    return max(counts.values()) / (len(networks) / sockets)


IPV4_SOURCES = [f"127.{20 + i % 5}.{i}.{1 + i % 7}" for i in range(60)]
IPV6_SOURCES = [f"2001:db8:{i % 3}:{i:02x}{i % 4:02x}::{i:x}" for i in range(60)]


@pytest.mark.parametrize("kind", [UDP, TCP], ids=["UDP", "TCP"])
def test_linux_picks_the_same_ones_for_ipv4(kind: socket.SocketKind) -> None:
    """From many sources, each by several of its ports."""
    check_by_linux(kind, "127.0.0.1", IPV4_SOURCES)


@pytest.mark.parametrize("kind", [UDP, TCP], ids=["UDP", "TCP"])
@pytest.mark.processes
def test_linux_picks_the_same_ones_for_ipv6(kind: socket.SocketKind) -> None:
    """The same in a network that has such addresses."""
    in_own_network(lambda: check_by_linux(kind, "::1", IPV6_SOURCES))


def check_by_linux(kind: socket.SocketKind, host: str, sources: Sequence[str]) -> None:
    """Bind three sockets and ask each source's queries to be where they are expected."""
    group = bound(kind, host)
    with ExitStack() as closing:
        for each in group:
            closing.enter_context(each.socket)
        assert not any(each.spread for each in group)
        met = {source: [meets(group, source) for _ in range(3)] for source in sources}
    assert met == {source: [expected(source, len(group))] * 3 for source in sources}
    assert {place for places in met.values() for place in places} == {0, 1, 2}


def bound(kind: socket.SocketKind, host: str, *, listen: bool = True) -> list[NamedSocket]:
    """Bind three sockets to one port."""
    return bind("dns", kind, SocketAddress(parse_address(host), 0), 3, listen=listen)


def meets(group: Sequence[NamedSocket], source: str) -> int:
    """Send one datagram or connect once from `source`; give the number of who gets it."""
    family, host = (socket.AF_INET6, "::1") if ":" in source else (socket.AF_INET, "127.0.0.1")
    first = group[0].socket
    with socket.socket(family, first.type) as client:
        if family == socket.AF_INET6:
            client.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
        client.bind((source, 0))
        client.connect((host, first.getsockname()[1]))
        if first.type == UDP:
            client.send(b"?")
        (place,) = [n for n, each in enumerate(group) if takes(each.socket)]
    return place


def takes(listening: socket.socket) -> bool:
    """Take what waits there, if anything does."""
    try:
        if listening.type == UDP:
            listening.recv(100)
        else:
            listening.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_sockets_that_listen_later_keep_the_order_of_their_binding() -> None:
    """Refused until then; and to listen once more, as a successor may, changes nothing."""
    group = bound(TCP, "127.0.0.1", listen=False)
    with pytest.raises(ConnectionRefusedError):
        meets(group, "127.0.0.1")
    start_listening(group)
    for _ in range(2):
        for source in IPV4_SOURCES:
            assert meets(group, source) == expected(source, 3)
        start_listening(group[1:])
    for each in group:
        each.socket.close()


@pytest.mark.parametrize("kind", [UDP, TCP], ids=["UDP", "TCP"])
@pytest.mark.processes
def test_a_socket_keeps_its_number_while_one_process_holds_it(kind: socket.SocketKind) -> None:
    """Another one that had it, and read from it, has gone: what comes waits for the next."""
    group = bound(kind, "127.0.0.1")
    if (child := os.fork()) == 0:
        os._exit(0)  # with a descriptor of each
    os.waitpid(child, 0)
    for source in IPV4_SOURCES:
        assert meets(group, source) == expected(source, 3)
    for each in group:
        each.socket.close()


def test_ipv4_by_a_socket_for_both_families_is_told_apart() -> None:
    """As systemd may bind a relay's; what counts is the packet, not the socket's family."""
    with ExitStack() as closing:
        group: list[NamedSocket] = []
        for _ in range(3):
            both = closing.enter_context(socket.socket(socket.AF_INET6, UDP))
            both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            both.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            both.bind(("::", group[0].socket.getsockname()[1] if group else 0))
            both.setblocking(False)
            group.append(NamedSocket("relay-tls", both))
        assert pick_by_source([each.socket for each in group])
        for source in IPV4_SOURCES:
            assert meets(group, source) == expected(source, 3)


def test_where_the_port_is_not_shared_it_says_so() -> None:
    """A socket that was bound without SO_REUSEPORT has no group; nothing else is wrong with it."""
    with socket.socket(socket.AF_INET, UDP) as alone:
        alone.bind(("127.0.0.1", 0))
        assert not pick_by_source([alone])


def test_another_system_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of the option means something else there; then it is known that they spread."""
    monkeypatch.setattr(sys, "platform", "freebsd14")
    group = bound(UDP, "127.0.0.1")
    assert all(each.spread for each in group)
    for each in group:
        each.socket.close()
