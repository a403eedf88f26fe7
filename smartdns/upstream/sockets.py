"""Sockets for one query in a datagram each, every one with a random port of its own (RFC 5452).

A socket carries one query, and none is kept for long, so nobody finds out its port. All of them
are watched by one epoll, which is the only thing that the reactor reads for them: a reader of its
own for each question would cost more than the question.
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
"""Datagrams that do not fit the query; more are somebody trying IDs at this port."""
_MOST_AT_ONCE: Final = 64
"""Replies that are read before the reactor looks at the rest of the world."""

Take = Callable[[bytes], bool]
Lost = Callable[[], None]


@implementer(IReadDescriptor)
class QuerySockets:
    """Opens query sockets and reads them in the reactor's thread."""

    def __init__(
        self, reactor: PosixReactorBase, after_reading: "Callable[[], None] | None" = None
    ) -> None:
        """`after_reading` is called when what has come was read, in the reactor's thread."""
        self.reactor = reactor
        self._after_reading = after_reading or _nothing
        self._epoll = select.epoll()
        self._open: dict[int, QuerySocket] = {}
        self._reading = False

    def open(self, upstream: Upstream) -> "QuerySocket | None":
        """Give a connected socket; None where none can be opened. From any thread."""
        address = upstream.address
        try:
            sock = open_socket(socket.SOCK_DGRAM, address.address.version, address.egress)
        except OSError:  # out of descriptors, or the way out is gone
            return None
        try:
            # Connected: the kernel drops what others send and reports a closed port.
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
        """Watch a socket no longer; it closes next, by which epoll forgets it. Reactor's thread."""
        del self._open[descriptor]
        if not self._open and self._reading:
            self._reading = False
            self.reactor.removeReader(self)
            self._read_on()  # where another thread has opened one meanwhile

    def _read_on(self) -> None:
        if self._open and not self._reading:
            self._reading = True
            self.reactor.addReader(self)

    def close(self) -> None:
        """Close every socket that is still open, and the epoll; none is opened from now on."""
        for each in list(self._open.values()):
            each.stop()
        self._epoll.close()
        self._after_reading = _nothing  # who opens them is called by it: a circle

    # Twisted calls these.

    def fileno(self) -> int:
        """Give the epoll's descriptor: it can be read when one of the sockets can."""
        return self._epoll.fileno()

    def doRead(self) -> None:
        """Read what has come."""
        for descriptor, _ in self._epoll.poll(0, _MOST_AT_ONCE):
            if (reading := self._open.get(descriptor)) is not None:
                reading.read()
        self._after_reading()

    def connectionLost(self, reason: Failure) -> None:
        """Nothing to do: the epoll stays."""

    def logPrefix(self) -> str:
        """Say who logs."""
        return "upstream"


class QuerySocket:
    """A socket for one query to one upstream, with what makes that query hard to forge."""

    __slots__ = (
        "_socket", "_sockets", "_strays", "descriptor", "id", "lost", "noise", "opened_at",
        "send", "take", "upstream",
    )  # fmt: skip

    def __init__(self, sockets: QuerySockets, sock: socket.socket, upstream: Upstream) -> None:
        self._sockets, self._socket, self.upstream = sockets, sock, upstream
        self.descriptor = sock.fileno()
        """-1 once it is closed."""
        self.opened_at = sockets.reactor.seconds()
        octets = secrets.token_bytes(2 + LONGEST_NAME)
        self.id = octets[:2]
        self.noise = int.from_bytes(octets[2:])
        """A bit for the case of each letter (0x20)."""
        self.send = sock.send
        """May be called from any thread."""
        self.take: Take = _not_mine
        self.lost: Lost = _nothing
        self._strays = 0

    def aim(self, take: Take, lost: Lost) -> None:
        """Give `take` each datagram from now on, until it says that it was the one.

        `lost` is called when none will come. Neither is called once stopped.
        """
        self.take, self.lost = take, lost

    def read(self) -> None:
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
        """Close; nobody is told. In the reactor's thread."""
        if self.descriptor >= 0:
            self._sockets.forget(self.descriptor)
            self._socket.close()
            self.descriptor = -1
            # Who listens knows the socket: as a circle both would wait for the garbage collector.
            self.take, self.lost = _not_mine, _nothing

    def _give_up(self) -> None:
        if self.descriptor >= 0:
            lost = self.lost
            self.stop()
            try:
                lost()
            except Exception:  # noqa: BLE001 - it must not end the reading of all others
                Logger().failure("a question could not go on")


def _not_mine(_: bytes) -> bool:
    return False


def _nothing() -> None:
    pass
