"""Small requests to running services, to see whether they really answer."""

import http.client
import socket
import time
from collections.abc import Callable
from pathlib import Path

from smartdns.contract.addresses import SocketAddress


def eventually(probe: Callable[[], bool], seconds: float) -> bool:
    """Try again and again until the probe succeeds or the time is over."""
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def dns_answers(where: SocketAddress, *, tcp: bool = False, timeout: float = 1.0) -> bool:
    """Say whether a DNS server responds; a refusal counts, too."""
    from registry.dns_client import BadResponseError, DnsQuery, ask_tcp, ask_udp

    ask = ask_tcp if tcp else ask_udp
    try:  # a resolver answers this name without asking others (RFC 6761 section 6.3)
        ask(DnsQuery("localhost"), where, within_s=timeout)
    except (OSError, BadResponseError):
        return False
    return True


def accepts(where: SocketAddress, timeout: float = 1.0) -> bool:
    """Say whether the address accepts a TCP connection."""
    try:
        socket.create_connection((str(where.address), where.port), timeout).close()
    except OSError:
        return False
    return True


def page_answers(where: SocketAddress, host: str, *, tls: bool = False) -> bool:
    """Say whether the page is served; every status below 500 counts."""
    if tls:  # its certificate has another name than the address
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
    """Say whether a Redis on a Unix socket answers a PING."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.settimeout(1.0)
            asking.connect(str(path))
            asking.sendall(b"PING\r\n")
            return asking.recv(16).startswith(b"+PONG")
    except OSError:
        return False
