"""UDP sockets for one query each, every socket with its own random port (RFC 5452).

A socket carries one query and is closed soon, so that an attacker cannot find out its port. One
epoll watches all of them, and the reactor reads only this epoll: to register a reader for each
question would cost more than the question.
"""

import secrets
import select
import socket
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from smartdns.answering.numbers import LONGEST_NAME
from smartdns.upstream.bound_socket import open_socket
from smartdns.upstream.group import Upstream

_MOST_OCTETS: Final = 4096
_MOST_STRAYS: Final = 20
"""Datagrams that do not match the query; more of them are an attack that guesses IDs."""
_MOST_AT_ONCE: Final = 64
"""Replies that are read before the reactor serves its other sockets."""

Take = Callable[[bytes], bool]
Lost = Callable[[], None]


@implementer(IReadDescriptor)
class QuerySockets:
    """Opens query sockets and reads them in the reactor's thread."""

    def __init__(
        self, reactor: PosixReactorBase, after_reading: "Callable[[], None] | None" = None
    ) -> None:
        """`after_reading` is called after replies were read, in the reactor's thread."""
        self.reactor = reactor
        self._after_reading = after_reading or _nothing
        self._epoll = select.epoll()
        self._open: dict[int, QuerySocket] = {}
        self._reading = False

    def open(self, upstream: Upstream) -> "QuerySocket | None":
        """Open a connected socket; None: this failed. From any thread."""
        address = upstream.address
        try:
            sock = open_socket(socket.SOCK_DGRAM, address.address.version, address.egress)
        except OSError:  # no descriptor is left, or the egress has gone
            return None
        try:
            # Connected: the kernel drops datagrams of other senders and reports a closed port.
            sock.connect((address.host, address.port))
        except OSError:
            sock.close()
            return None
        opened = QuerySocket(self, sock, upstream)
        self._open[opened.descriptor] = opened
        try:
            self._epoll.register(opened.descriptor, select.EPOLLIN)
        except (OSError, ValueError):  # the reactor's thread has closed them all
            self._open.pop(opened.descriptor, None)
            sock.close()
            return None
        if not self._reading:
            self.reactor.callFromThread(self._read_on)
        return opened

    def forget(self, descriptor: int) -> None:
        """Stop watching a socket, which the caller closes next. In the reactor's thread."""
        del self._open[descriptor]
        if not self._open and self._reading:
            self._reading = False
            self.reactor.removeReader(self)
            self._read_on()  # another thread may have opened one meanwhile

    def _read_on(self) -> None:
        if self._open and not self._reading:
            self._reading = True
            self.reactor.addReader(self)

    def close(self) -> None:
        """Close all sockets and the epoll; from now on none is opened."""
        for each in list(self._open.values()):
            each.stop()
        self._epoll.close()
        self._after_reading = _nothing  # break the reference cycle with the owner

    # Twisted calls these.

    def fileno(self) -> int:
        """Give the epoll's descriptor: it is readable when one of the sockets is."""
        return self._epoll.fileno()

    def doRead(self) -> None:
        """Read the replies that have come."""
        for descriptor, _ in self._epoll.poll(0, _MOST_AT_ONCE):
            if (reading := self._open.get(descriptor)) is not None:
                reading.read()
        self._after_reading()

    def connectionLost(self, reason: Failure) -> None:
        """Nothing to do: the epoll stays."""

    def logPrefix(self) -> str:
        """Give the prefix of log lines."""
        return "upstream"


class QuerySocket:
    """A socket for one query to one upstream, with the random values for that query."""

    __slots__ = (
        "_socket", "_sockets", "_strays", "descriptor", "id", "lost", "noise", "opened_at",
        "send", "take", "upstream",
    )  # fmt: skip

    def __init__(self, sockets: QuerySockets, sock: socket.socket, upstream: Upstream) -> None:
        self._sockets, self._socket, self.upstream = sockets, sock, upstream
        self.descriptor = sock.fileno()
        """-1 after the socket is closed."""
        self.opened_at = sockets.reactor.seconds()
        octets = secrets.token_bytes(2 + LONGEST_NAME)
        self.id = octets[:2]
        self.noise = int.from_bytes(octets[2:])
        """One bit for the case of each letter (0x20)."""
        self.send = sock.send
        """May be called from any thread."""
        self.take: Take = _not_mine
        self.lost: Lost = _nothing
        self._strays = 0

    def aim(self, take: Take, lost: Lost) -> None:
        """Pass each datagram to `take` from now on, until `take` says that it was the reply.

        `lost` is called when no reply will come. After `stop` neither is called.
        """
        self.take, self.lost = take, lost

    def read(self) -> None:
        """Read one datagram; this is called again if there is another."""
        try:
            if self.take(self._socket.recv(_MOST_OCTETS)):
                self.stop()
                return
        except BlockingIOError:
            return
        except OSError:  # the port is closed
            self._give_up()
            return
        except Exception:  # noqa: BLE001 - an error in our code: the next attempt may succeed
            Logger().failure("a reply could not be taken")
            self._give_up()
            return
        self._strays += 1
        if self._strays > _MOST_STRAYS:
            self._give_up()

    def stop(self) -> None:
        """Close the socket without calling `lost`. In the reactor's thread."""
        if self.descriptor >= 0:
            self._sockets.forget(self.descriptor)
            self._socket.close()
            self.descriptor = -1
            # These refer back to the socket: a cycle would wait for the garbage collector.
            self.take, self.lost = _not_mine, _nothing

    def _give_up(self) -> None:
        if self.descriptor >= 0:
            lost = self.lost
            self.stop()
            try:
                lost()
            except Exception:  # noqa: BLE001 - the other sockets must still be read
                Logger().failure("a question could not go on")


def _not_mine(_: bytes) -> bool:
    return False


def _nothing() -> None:
    pass
