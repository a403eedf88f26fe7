"""One query in a datagram, each from a socket and hence a random port of its own (RFC 5452).

Each carries one query, and none is kept for long, so nobody finds out its port.

They are read within the event loop's selector: by way of the loop, and of Twisted's readers, a
reply would wait for eighteen calls more, and each of them costs where nothing of it is in the
processor's caches.
"""

import socket
from collections.abc import Callable

from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger

from smartdns.event_loop import selector_of
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
    return QuerySocket(reactor, sock)


class QuerySocket:
    """A socket for one query; Twisted's own UDP port would log its number."""

    def __init__(self, reactor: PosixReactorBase, sock: socket.socket) -> None:
        self._selector, self._socket = selector_of(reactor), sock
        self._selector.add(sock.fileno(), self._read)
        self.opened_at = reactor.seconds()
        self._strays = 0
        self.send = sock.send
        """May be called from any thread."""
        self.take: Callable[[bytes], bool] = _not_mine
        self.lost: Callable[[], None] = _nothing

    def aim(self, take: Callable[[bytes], bool], lost: Callable[[], None]) -> None:
        """Tell `take` and `lost` what comes from now on."""
        self.take, self.lost = take, lost

    @property
    def stopped(self) -> bool:
        """It is closed."""
        return self._socket.fileno() < 0

    def _read(self) -> None:
        """Take the datagram that came; it is called again where there is another."""
        try:
            if self.take(self._socket.recv(_MOST_OCTETS)):
                self.stop()
                return
        except BlockingIOError:
            return
        except OSError:  # nobody listens there
            self._give_up()
            return
        except Exception:  # noqa: BLE001 - a mistake of ours: the next attempt may fare better
            Logger().failure("a reply could not be taken")
            self._give_up()
            return
        self._strays += 1
        if self._strays > _MOST_STRAYS:
            self._give_up()

    def stop(self) -> None:
        """Close; nobody is told."""
        if self._socket.fileno() >= 0:
            self._selector.remove(self._socket.fileno())
            self._socket.close()
            # Who listens knows the socket: as a circle both would wait for the garbage collector.
            self.take, self.lost = _not_mine, _nothing

    def _give_up(self) -> None:
        if not self.stopped:
            lost = self.lost
            self.stop()
            lost()


def _not_mine(_: bytes) -> bool:
    return False


def _nothing() -> None:
    pass
