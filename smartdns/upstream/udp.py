"""One query in a datagram, each from a socket and hence a random port of its own (RFC 5452).

Sockets are opened ahead, while nobody waits: opening, connecting and registering one takes longer
than to send. Each carries one query, and none is kept for long, so nobody finds out its port.
"""

import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.posixbase import PosixReactorBase
from twisted.python.failure import Failure
from zope.interface import implementer

from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.bound_socket import open_socket

READY: Final = 32
KEPT_READY_S: Final = 10.0
_MOST_OCTETS = 4096
_MOST_STRAYS = 20
"""Datagrams that do not fit the query; more are somebody trying IDs at this port."""


def ask_datagram(
    reactor: PosixReactorBase,
    upstream: UpstreamAddress,
    message: bytes,
    take: Callable[[bytes], bool],
    lost: Callable[[], None],
) -> Callable[[], None] | None:
    """Send `message`; give what stops the waiting, or None where it could not be sent.

    `take` gets each datagram from `upstream` and says whether it was the one; `lost` is told
    when none will come. Neither is called once stopped.
    """
    asking = open_query_socket(reactor, upstream)
    if asking is None:
        return None
    asking.aim(take, lost)
    try:
        asking.send(message)
    except OSError:
        asking.stop()
        return None
    return asking.stop


def open_query_socket(reactor: PosixReactorBase, upstream: UpstreamAddress) -> "QuerySocket | None":
    """Give a connected socket that the reactor reads, or None where there is none to be had."""
    try:
        sock = open_socket(socket.SOCK_DGRAM, upstream.address.version, upstream.way_out)
    except OSError:  # out of descriptors, or the way out is gone
        return None
    try:
        # Connected: the kernel drops what others send and reports a closed port.
        sock.connect((upstream.host, upstream.port))
    except OSError:
        sock.close()
        return None
    asking = QuerySocket(reactor, sock)
    reactor.addReader(asking)
    return asking


@implementer(IReadDescriptor)
class QuerySocket:
    """A socket of the reactor's, for one query; Twisted's own UDP port would log its number."""

    def __init__(self, reactor: PosixReactorBase, sock: socket.socket) -> None:
        self._reactor, self._socket = reactor, sock
        self.opened_at = reactor.seconds()
        self._strays = 0
        self.send = sock.send
        """May be called from any thread."""
        self.take: Callable[[bytes], bool] = _not_mine
        self.lost: Callable[[], None] = _nothing

    def aim(self, take: Callable[[bytes], bool], lost: Callable[[], None]) -> None:
        """Tell `take` and `lost` what comes from now on."""
        self.take, self.lost = take, lost

    def fileno(self) -> int:
        """As Twisted's readers have it."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """As Twisted's readers have it."""
        return "upstream"

    def doRead(self) -> None:
        """Take what came."""
        while self._socket.fileno() >= 0:
            try:
                datagram = self._socket.recv(_MOST_OCTETS)
            except BlockingIOError:
                return
            except OSError:  # nobody listens there
                self._give_up()
                return
            if self.take(datagram):
                self.stop()
            elif (strays := self._strays + 1) > _MOST_STRAYS:
                self._give_up()
            else:
                self._strays = strays

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002 - Twisted's signature
        """End with the reactor."""
        self.stop()

    def stop(self) -> None:
        """Close; nobody is told."""
        if self._socket.fileno() >= 0:
            self._reactor.removeReader(self)
            self._socket.close()
            # Who listens knows the socket: as a circle both would wait for the garbage collector.
            self.take, self.lost = _not_mine, _nothing

    def _give_up(self) -> None:
        if self._socket.fileno() >= 0:
            lost = self.lost
            self.stop()
            lost()


def _not_mine(_: bytes) -> bool:
    return False


def _nothing() -> None:
    pass


class ReadySockets:
    """Sockets towards one upstream that wait for a query."""

    def __init__(self, reactor: PosixReactorBase, upstream: UpstreamAddress) -> None:
        self._reactor, self._upstream = reactor, upstream
        self._ready: deque[QuerySocket] = deque()

    def take(self) -> QuerySocket | None:
        """Give one, the oldest; from any thread."""
        try:
            return self._ready.popleft()
        except IndexError:
            return None

    def fill(self, most: int = READY) -> None:
        """Open as many as are missing."""
        while len(self._ready) < most:
            asking = open_query_socket(self._reactor, self._upstream)
            if asking is None:
                return
            asking.lost = self._forget(asking)
            self._ready.append(asking)

    def drop_older_than(self, moment: float) -> None:
        """Close those opened before `moment`."""
        while (asking := self.take()) is not None:
            if asking.opened_at >= moment:
                self._ready.appendleft(asking)
                return
            asking.stop()

    def __len__(self) -> int:
        return len(self._ready)

    def _forget(self, asking: QuerySocket) -> Callable[[], None]:
        def forget() -> None:
            with contextlib.suppress(ValueError):  # taken meanwhile
                self._ready.remove(asking)

        return forget
