"""Queries over TCP and TLS to one upstream, pipelined on reused connections (RFC 7766, 7858)."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IStreamClientEndpoint,
    ITCPTransport,
)
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure

from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.bound_socket import BoundConnections
from smartdns.wire.framing import FrameBuffer, with_length

_CONNECT_TIMEOUT_S = 2
_IDLE_S = 10.0
_SILENT_S = 2.0
"""A connection without any reply for so long, while a query waits, gets no more queries."""
_MOST_PIPELINED = 100
_MOST_CONNECTIONS = 4


@dataclass(eq=False, slots=True, repr=False)
class _Asked:
    """A query under way; `message` is kept to be sent again if the connection closes."""

    message: bytes
    take: Callable[[bytes], bool]
    lost: Callable[[], None]
    connection: "_Connection | None" = None
    again: bool = False
    stopped: bool = False
    sent_at: float = 0.0

    def stop(self) -> None:
        self.stopped = True
        if self.connection is not None:
            self.connection.forget_stopped()


class StreamPool:
    """The connections to one upstream."""

    def __init__(self, reactor: PosixReactorBase, upstream: UpstreamAddress) -> None:
        self.reactor = reactor
        self._endpoint = _endpoint(reactor, upstream)
        self._connections: list[_Connection] = []
        self._alive: set[_Connection] = set()
        self._closed: Deferred[None] | None = None

    def ask(
        self, message: bytes, take: Callable[[bytes], bool], lost: Callable[[], None]
    ) -> Callable[[], None]:
        """Send `message` as soon as possible; give a function that stops waiting for the reply.

        `take` gets the reply with the message's own ID, whatever ID was used on the connection;
        `lost` is called when no reply will come. After the stop neither is called.
        """
        asked = _Asked(message, take, lost)
        self._connection().ask(asked)
        return asked.stop

    def close(self) -> Deferred[None]:
        """Drop all connections; fires when all have ended."""
        for connection in list(self._alive):
            connection.drop()
        if not self._alive:
            return succeed(None)
        self._closed = Deferred()
        return self._closed

    def ask_again(self, asked: _Asked) -> None:
        """Send a query again on a new connection: its old one was closed."""
        asked.again = True
        self._new_connection().ask(asked)

    def remove(self, connection: "_Connection") -> None:
        """Send no more queries on `connection`."""
        if connection in self._connections:
            self._connections.remove(connection)

    def gone(self, connection: "_Connection") -> None:
        """Forget `connection`, which has ended."""
        self.remove(connection)
        self._alive.discard(connection)
        if self._closed is not None and not self._alive:
            closed, self._closed = self._closed, None
            closed.callback(None)

    def _connection(self) -> "_Connection":
        able = [c for c in self._connections if c.has_room()]
        if not able and len(self._connections) < _MOST_CONNECTIONS:
            return self._new_connection()
        return min(able or self._connections, key=lambda c: c.in_flight)

    def _new_connection(self) -> "_Connection":
        connection = _Connection(self)
        self._connections.append(connection)
        self._alive.add(connection)
        connection.connect(self._endpoint)
        return connection


class _Connection(Protocol):
    """One connection; while it is being made, queries wait in it."""

    def __init__(self, pool: StreamPool) -> None:
        self._pool = pool
        self._frames = FrameBuffer()
        self._asked: dict[int, _Asked] = {}
        self._open = False
        self._connecting: Deferred[IProtocol] | None = None
        self._answered_at: float | None = None
        self._idle: IDelayedCall | None = None

    @property
    def in_flight(self) -> int:
        return len(self._asked)

    def has_room(self) -> bool:
        return self.in_flight < _MOST_PIPELINED

    def connect(self, endpoint: IStreamClientEndpoint) -> None:
        self._connecting = endpoint.connect(Factory.forProtocol(lambda: self))
        self._connecting.addErrback(lambda _: self._could_not_connect())

    def ask(self, asked: _Asked) -> None:
        asked.connection = self
        id_ = secrets.randbelow(65_536)
        while id_ in self._asked:
            id_ = secrets.randbelow(65_536)
        self._asked[id_] = asked
        asked.sent_at = self._pool.reactor.seconds()
        self._stop_idling()
        if self._open:
            self._send(id_, asked)

    def connectionMade(self) -> None:
        self._open, self._connecting = True, None
        for id_, asked in self._asked.items():
            self._send(id_, asked)
        self.forget_stopped()

    def _could_not_connect(self) -> None:
        self._pool.gone(self)
        self._lose_all(())

    def dataReceived(self, data: bytes) -> None:
        for message in self._frames.add(data):
            self._answered_at = self._pool.reactor.seconds()
            asked = self._asked.pop(int.from_bytes(message[:2], "big"), None)
            if asked is None or asked.stopped:
                continue
            if not asked.take(asked.message[:2] + message[2:]):
                asked.lost()
        self.forget_stopped()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        self._stop_idling()
        self._pool.gone(self)
        # It was closed after it had answered: most likely an idle timeout (RFC 7766 section 6.2.4).
        # If a query was on its way at that moment, this is a reset or an unclean end of TLS.
        served = self._answered_at is not None
        self._lose_all([a for a in self._asked.values() if served and not a.again])

    def forget_stopped(self) -> None:
        """Remove stopped queries; start to idle, or drop a connection that does not answer."""
        for id_ in [id_ for id_, asked in self._asked.items() if asked.stopped]:
            asked = self._asked.pop(id_)
            silent_since = max(asked.sent_at, self._answered_at or 0.0)
            if self._pool.reactor.seconds() - silent_since >= _SILENT_S:
                self.drop()
                return
        if self._open and not self._asked and self._idle is None:
            self._idle = self._pool.reactor.callLater(_IDLE_S, self.drop)

    def drop(self) -> None:
        self._pool.remove(self)
        self._stop_idling()
        if self._connecting is not None:
            self._connecting.cancel()
        elif self._open:
            cast("ITCPTransport", self.transport).abortConnection()

    def _send(self, id_: int, asked: _Asked) -> None:
        message = id_.to_bytes(2, "big") + asked.message[2:]
        cast("ITCPTransport", self.transport).write(with_length(message))

    def _lose_all(self, once_more: "list[_Asked] | tuple[()]") -> None:
        left, self._asked = list(self._asked.values()), {}
        for asked in left:
            if asked.stopped:
                continue
            if asked in once_more:
                self._pool.ask_again(asked)
            else:
                asked.lost()

    def _stop_idling(self) -> None:
        if self._idle is not None and self._idle.active():
            self._idle.cancel()
        self._idle = None


def _endpoint(reactor: PosixReactorBase, upstream: UpstreamAddress) -> IStreamClientEndpoint:
    kind = TCP4ClientEndpoint if upstream.address.version == 4 else TCP6ClientEndpoint
    connections = BoundConnections(reactor, upstream.egress)
    plain = kind(connections, upstream.host, upstream.port, timeout=_CONNECT_TIMEOUT_S)
    if upstream.tls_name is None:
        return plain
    # This checks the certificate's name, and its chain against the system's authorities.
    return wrapClientTLS(optionsForClientTLS(upstream.tls_name), plain)
