"""An upstream that is nothing but a socket, for tests of the sockets that lead to it."""

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import deferLater

from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.sockets import QuerySocket
from tests.smartdns.upstream.asking import upstream

REACTOR: Any = reactor


class Peer:
    """An upstream that sends what the test wants to sockets that it has not heard of."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.upstream: Upstream = Group.at(REACTOR, [upstream(self.port)]).members[0]

    def send(self, data: bytes, to: QuerySocket) -> None:
        """Send a datagram."""
        self.socket.sendto(data, to._socket.getsockname())


def closed(query_socket: QuerySocket) -> bool:
    """Say whether it is."""
    return query_socket.descriptor < 0


async def until(holds: Callable[[], bool]) -> None:
    """Wait; the test's own limit ends it."""
    while not holds():
        await deferLater(reactor, 0.005)
