"""An upstream that is nothing but a socket, for tests of the sockets that lead to it."""

import socket
from collections.abc import Callable
from typing import Any

from twisted.internet import reactor
from twisted.internet.task import Clock, deferLater

from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.sockets import QuerySocket
from tests.smartdns.upstream.asking import upstream

REACTOR: Any = reactor
Where = tuple[str, int]


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

    def queries(self) -> list[tuple[bytes, Where]]:
        """Give what has come, and where a reply goes."""
        found: list[tuple[bytes, Where]] = []
        try:
            while True:
                found.append(self.socket.recvfrom(4096, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return found


class HandTurned(Clock):
    """A reactor whose turns and seconds are the test's."""

    def __init__(self) -> None:
        super().__init__()
        self.advance(1_000.0)
        self.readers: set[Any] = set()

    def callFromThread(self, call: Callable[..., object], *arguments: object) -> None:  # noqa: N802
        """Call in the next turn."""
        self.callLater(0, call, *arguments)

    def addReader(self, reader: Any) -> None:
        """Let it read in each turn."""
        self.readers.add(reader)

    def removeReader(self, reader: Any) -> None:
        """Let it read no more."""
        self.readers.discard(reader)

    def turn(self, seconds: float = 0.0) -> None:
        """Do what is due after so many seconds, and read what is there."""
        self.advance(seconds)
        for reader in list(self.readers):
            reader.doRead()
        self.advance(0)


def closed(query_socket: QuerySocket) -> bool:
    """Say whether it is."""
    return query_socket.descriptor < 0


async def until(holds: Callable[[], bool]) -> None:
    """Wait; the test's own limit ends it."""
    while not holds():
        await deferLater(reactor, 0.005)
