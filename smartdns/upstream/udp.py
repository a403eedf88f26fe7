"""One query in a datagram, each from a socket and hence a random port of its own (RFC 5452)."""

import socket
from collections.abc import Callable

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.posixbase import PosixReactorBase
from twisted.python.failure import Failure
from zope.interface import implementer

from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.bound_socket import open_socket

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
    try:
        sock = open_socket(socket.SOCK_DGRAM, upstream.address.version, upstream.way_out)
    except OSError:  # out of descriptors, or the way out is gone
        return None
    try:
        # Connected: the kernel drops what others send and reports a closed port.
        sock.connect((upstream.host, upstream.port))
        sock.send(message)
    except OSError:
        sock.close()
        return None
    waiting = _Waiting(reactor, sock, take, lost)
    reactor.addReader(waiting)
    return waiting.stop


@implementer(IReadDescriptor)
class _Waiting:
    """A socket of the reactor's, for one reply; Twisted's own UDP port would log its number."""

    def __init__(
        self,
        reactor: PosixReactorBase,
        sock: socket.socket,
        take: Callable[[bytes], bool],
        lost: Callable[[], None],
    ) -> None:
        self._reactor, self._socket, self._take, self._lost = reactor, sock, take, lost
        self._strays = 0

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "upstream"

    def doRead(self) -> None:
        while self._socket.fileno() >= 0:
            try:
                datagram = self._socket.recv(_MOST_OCTETS)
            except BlockingIOError:
                return
            except OSError:  # nobody listens there
                self._give_up()
                return
            if self._take(datagram):
                self.stop()
            elif (strays := self._strays + 1) > _MOST_STRAYS:
                self._give_up()
            else:
                self._strays = strays

    def connectionLost(self, reason: Failure) -> None:  # noqa: ARG002 - Twisted's signature
        self.stop()

    def stop(self) -> None:
        if self._socket.fileno() >= 0:
            self._reactor.removeReader(self)
            self._socket.close()

    def _give_up(self) -> None:
        if self._socket.fileno() >= 0:
            self.stop()
            self._lost()
