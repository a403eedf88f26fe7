"""Reaching an origin: several addresses at once if need be (RFC 8305), or by way of SOCKS5."""

import contextlib
import functools
import socket
from collections.abc import Callable, Iterator, Sequence

from smartdns.answering.query import Name
from smartdns.relay.deadlines import ticks
from smartdns.relay.destinations import Endpoint, endpoint_of
from smartdns.relay.epoll import FAILED, READABLE, Poller
from smartdns.relay.exits import Socks5
from smartdns.upstream.bound_socket import open_socket
from smartdns.upstream.egress import ORDINARY, Direct
from smartdns.wire.socks5 import Refused, Socks5Connect, Step

NEXT_ATTEMPT_S = 0.25
"""How long an address is waited for before the next is tried beside it (RFC 8305 section 5)."""

Connected = Callable[[socket.socket | None], None]
"""Told once, with a connected socket whose descriptor the poller watches, or with None."""


class Connecting:
    """Attempts to reach one origin; the first that succeeds ends the others."""

    __slots__ = (
        "_attempts",
        "_connected",
        "_endpoints",
        "_poller",
        "_port",
        "_way_out",
        "deadline",
    )

    def __init__(
        self,
        poller: Poller,
        endpoints: Sequence[Endpoint],
        port: int,
        way_out: Direct,
        connected: Connected,
    ) -> None:
        self.deadline = -1
        self._poller = poller
        self._endpoints: Iterator[Endpoint] = iter(endpoints)
        self._port = port
        self._way_out = way_out
        self._connected = connected
        self._attempts: dict[int, socket.socket] = {}

    def start(self) -> None:
        """Begin with the first address."""
        self._try_next()

    def cancel(self) -> None:
        """End all attempts and tell nobody."""
        self._poller.deadlines.clear(self)
        for descriptor, attempt in self._attempts.items():
            self._poller.forget(descriptor)
            attempt.close()
        self._attempts.clear()

    def due(self, _tick: int) -> None:
        """The attempts so far took long: try another address beside them."""
        self._try_next()

    def _try_next(self) -> None:
        for endpoint in self._endpoints:
            if not self._way_out.reaches(endpoint.version):
                continue
            try:
                attempt = open_attempt(endpoint, self._port, self._way_out)
            except OSError:
                continue
            descriptor = attempt.fileno()
            self._attempts[descriptor] = attempt
            self._poller.add(descriptor, functools.partial(self._ready, descriptor))
            self._poller.deadlines.set(self, self._poller.tick + ticks(NEXT_ATTEMPT_S) + 1)
            return
        if not self._attempts:
            self.cancel()
            self._connected(None)

    def _ready(self, descriptor: int, mask: int) -> None:
        attempt = self._attempts[descriptor]
        if mask & FAILED and attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._poller.forget(descriptor)
            self._attempts.pop(descriptor).close()
            self._try_next()
            return
        try:
            attempt.getpeername()
        except OSError:
            return  # the event was for an earlier socket of this number
        del self._attempts[descriptor]
        self.cancel()
        if mask & READABLE:
            self._poller.listen_to(descriptor)
        self._connected(attempt)


def open_attempt(endpoint: Endpoint, port: int, way_out: Direct) -> socket.socket:
    """Begin to connect to this very address, leaving by `way_out`; OSError if that fails."""
    attempt = open_socket(socket.SOCK_STREAM, endpoint.version, way_out)
    try:
        attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BlockingIOError):
            attempt.connect((endpoint.host, port))
    except OSError:
        attempt.close()
        raise
    return attempt


class ConnectingBySocks5:
    """One CONNECT through a SOCKS5 server, which resolves the name itself."""

    __slots__ = (
        "_connected",
        "_handshake",
        "_poller",
        "_server",
        "_socket",
        "_to_server",
    )

    def __init__(
        self, poller: Poller, name: Name, port: int, way_out: Socks5, connected: Connected
    ) -> None:
        self._poller = poller
        self._connected = connected
        self._handshake = Socks5Connect(name, port, way_out.credentials)
        self._server = way_out.server
        self._to_server: Connecting | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Connect to the server."""
        server = self._server
        self._to_server = Connecting(
            self._poller, (endpoint_of(server.address),), server.port, ORDINARY, self._greet
        )
        self._to_server.start()

    def cancel(self) -> None:
        """End it and tell nobody."""
        if self._to_server is not None:
            self._to_server.cancel()
        if self._socket is not None:
            self._poller.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _greet(self, connected: socket.socket | None) -> None:
        if connected is None:
            self._connected(None)
            return
        self._socket = connected
        self._poller.ready[connected.fileno()] = self._ready
        try:
            connected.sendall(self._handshake.greeting)  # a few octets, the first: they fit
        except OSError:  # reset already
            self._fail()

    def _ready(self, mask: int) -> None:
        connected = self._socket
        try:
            if connected is not None and mask & READABLE:
                self._converse(connected)
        except BlockingIOError:
            pass
        except (OSError, Refused):
            self._fail()

    def _fail(self) -> None:
        self.cancel()
        self._connected(None)

    def _converse(self, connected: socket.socket) -> None:
        """Take exactly what the handshake wants; what follows is the origin's."""
        handshake = self._handshake
        while handshake.step is not Step.CONNECTED:
            arrived = len(connected.recv(handshake.wanted, socket.MSG_PEEK))
            if arrived == 0:
                raise Refused
            if arrived < handshake.wanted:
                return
            connected.sendall(handshake.feed(connected.recv(handshake.wanted)))
        self._socket = None
        self._poller.listen_to(connected.fileno())
        self._connected(connected)
