"""Binding sockets and handing them on."""

import os
import socket
import subprocess
import sys

import pytest

from smartdns.contract.addresses import parse_socket_address
from smartdns.process.sockets import ListenError, bind, inherited

ANY_PORT = parse_socket_address("127.0.0.1:0")


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.processes
def test_a_taken_port_is_found_even_if_its_holder_would_share_it(
    kind: socket.SocketKind, count: int
) -> None:
    """SO_REUSEPORT never lets a second installation slip in beside the first."""
    held = bind("dns", kind, ANY_PORT, 2)
    where = parse_socket_address(held[0].url().partition("//")[2])
    with pytest.raises(ListenError) as raised:
        bind("dns", kind, where, count)
    assert "is taken by another program" in str(raised.value)
    for each in held:
        each.socket.close()


def test_a_privileged_port_and_a_foreign_address_are_told_apart() -> None:
    """Each reason has its own words, for each has its own remedy."""
    with pytest.raises(ListenError) as raised:
        bind("dns", socket.SOCK_DGRAM, parse_socket_address("192.0.2.1:53"))
    assert "does not have that address" in str(raised.value)


@pytest.mark.processes
def test_sockets_pass_to_a_child_as_systemd_passes_them() -> None:
    """Names and numbers follow sd_listen_fds(3), and the child finds the same port."""
    (udp,) = bind("udp", socket.SOCK_DGRAM, ANY_PORT)
    script = (
        "import os, sys; from smartdns.process.sockets import inherited\n"
        "os.dup2(int(sys.argv[1]), 3)\n"
        "os.environ['LISTEN_PID'] = str(os.getpid())\n"
        "print([(each.name, each.url()) for each in inherited()])"
    )
    descriptor = udp.socket.fileno()
    read = subprocess.run(
        [sys.executable, "-c", script, str(descriptor)],
        pass_fds=[descriptor],
        env={**os.environ, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "udp"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout.strip() == repr([("udp", udp.url())])
    udp.socket.close()


def test_sockets_meant_for_the_parent_are_left_alone() -> None:
    """LISTEN_PID names whom they are for."""
    assert inherited({"LISTEN_PID": "1", "LISTEN_FDS": "1"}) == []
