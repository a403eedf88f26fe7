"""Small questions to running parts, to see that they really answer."""

import http.client
import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from smartdns.contract.addresses import SocketAddress

_A, _IN, _RECURSION_DESIRED = 1, 1, 0x0100
_LOCALHOST = b"\x09localhost\x00"  # answered by every resolver itself (RFC 6761 section 6.3)


def eventually(probe: Callable[[], bool], seconds: float) -> bool:
    """Try until it answers or the time is over."""
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def dns_answers(where: SocketAddress, *, tcp: bool = False, timeout: float = 1.0) -> bool:
    """Any reply to our question counts, a refusal too."""
    query = _query()
    try:
        with _connected(where, socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM, timeout) as asking:
            asking.sendall(struct.pack("!H", len(query)) + query if tcp else query)
            reply = asking.recv(512)
            reply = reply[2:] if tcp else reply
    except OSError:
        return False
    return reply[:2] == query[:2]


def _query() -> bytes:
    header = struct.pack("!2sHHHHH", os.urandom(2), _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + _LOCALHOST + struct.pack("!HH", _A, _IN)


def _connected(where: SocketAddress, kind: socket.SocketKind, timeout: float) -> socket.socket:
    family = socket.AF_INET6 if where.address.version == 6 else socket.AF_INET
    asking = socket.socket(family, kind)
    asking.settimeout(timeout)
    try:
        asking.connect((str(where.address), where.port))
    except OSError:
        asking.close()
        raise
    return asking


def accepts(where: SocketAddress, timeout: float = 1.0) -> bool:
    """Say whether a TCP connection comes about."""
    try:
        _connected(where, socket.SOCK_STREAM, timeout).close()
    except OSError:
        return False
    return True


def page_answers(where: SocketAddress, host: str, *, tls: bool = False) -> bool:
    """Say whether the page is served; any status but a server's error will do."""
    if tls:  # its certificate bears a name that we are not asking for
        return accepts(where)
    connection = http.client.HTTPConnection(str(where.address), where.port, timeout=2)
    try:
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def redis_answers(path: Path) -> bool:
    """Ping a Redis on a Unix socket."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(1.0)
            asking.connect(str(path))
            asking.sendall(b"PING\r\n")
            return asking.recv(16).startswith(b"+PONG")
    except OSError:
        return False
