"""Reaching an origin: by several addresses at once if need be (RFC 8305), or through SOCKS5."""

import contextlib
import functools
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from twisted.logger import Logger
from twisted.python.failure import Failure

from smartdns.answering.query import Name
from smartdns.relay.admission import CheckOrigin
from smartdns.relay.deadlines import ticks
from smartdns.relay.egress import Egress, Socks5
from smartdns.relay.epoll import READABLE, Poller, is_reset
from smartdns.relay.origins import Endpoint, Origins, endpoint_of
from smartdns.upstream.bound_socket import open_socket
from smartdns.upstream.egress import ORDINARY, Direct
from smartdns.wire.socks5 import Refused, Socks5Connect, Step

NEXT_ATTEMPT_S = 0.25
"""After so long the next address is tried beside those before it (RFC 8305 section 5)."""

Connected = Callable[[socket.socket | None], None]
"""Called once: with a connected socket, whose descriptor the poller watches, or with None."""


class Connecting(Protocol):
    """The way to one origin: at its end `Connected` is called."""

    def start(self) -> None:
        """Begin."""

    def cancel(self) -> None:
        """End it; nobody is called."""


Found = Callable[[Connecting | None], None]
"""Called once: with what is to be started, or with None where no address may be connected."""


class Connector:
    """Finds out how to connect to origins, for all connections of one worker."""

    def __init__(
        self, poller: Poller, egresses: Mapping[str, Egress], origins: Mapping[str, Origins]
    ) -> None:
        """Take both by region; what is known by one egress is never used for another."""
        self._poller = poller
        self._egresses = egresses
        self._origins = origins
        self._log = Logger()

    def look_up(
        self,
        name: Name,
        port: int,
        route: str | CheckOrigin,
        found: Found,
        connected: Connected,
    ) -> None:
        """Call `found` once it is known how to connect to the origin of that name.

        `route` is as `Admission.route` gives it. Neither a SOCKS5 server, which resolves names
        itself, nor the check origin, which the operator named, needs a look-up.
        """
        if isinstance(route, CheckOrigin):
            endpoint, port = endpoint_of(route.where.address), route.where.port
            found(ConnectingDirectly(self._poller, (endpoint,), port, ORDINARY, connected))
            return
        egress = self._egresses[route]
        if isinstance(egress, Socks5):
            found(ConnectingBySocks5(self._poller, name, port, egress, connected))
            return
        origins = self._origins[route]
        if (known := origins.known(name, port)) is not None:
            found(self._directly(known, port, egress, connected))
        else:
            finding = origins.find(name, port).addCallback(self._directly, port, egress, connected)
            finding.addCallback(found).addErrback(self._failed, found)

    def _directly(
        self, endpoints: Sequence[Endpoint], port: int, egress: Direct, connected: Connected
    ) -> "ConnectingDirectly | None":
        if not endpoints:
            return None
        return ConnectingDirectly(self._poller, endpoints, port, egress, connected)

    def _failed(self, failure: Failure, found: Found) -> None:
        self._log.failure("an origin could not be looked up", failure)
        found(None)


class ConnectingDirectly:
    """Attempts at the addresses of one origin; the first that succeeds ends the others."""

    __slots__ = (
        "_attempts", "_connected", "_egress", "_endpoints", "_poller", "_port", "deadline",
    )  # fmt: skip

    def __init__(
        self,
        poller: Poller,
        endpoints: Sequence[Endpoint],
        port: int,
        egress: Direct,
        connected: Connected,
    ) -> None:
        self.deadline: int | None = None
        self._poller = poller
        self._endpoints: Iterator[Endpoint] = iter(endpoints)
        self._port = port
        self._egress = egress
        self._connected = connected
        self._attempts: dict[int, socket.socket] = {}

    def start(self) -> None:
        """Begin with the first address."""
        self._try_next()

    def cancel(self) -> None:
        """End all attempts; `connected` is not called."""
        self._poller.deadlines.set(self, None)
        for descriptor, attempt in self._attempts.items():
            self._poller.forget(descriptor)
            attempt.close()
        self._attempts.clear()

    def due(self) -> None:
        """The attempts so far have taken long: try another address beside them."""
        self._try_next()

    def _try_next(self) -> None:
        for endpoint in self._endpoints:
            if not self._egress.reaches(endpoint.version):
                continue
            try:
                attempt = open_attempt(endpoint, self._port, self._egress)
            except OSError:
                continue
            descriptor = attempt.fileno()
            self._attempts[descriptor] = attempt
            self._poller.watch(descriptor, functools.partial(self._ready, descriptor))
            self._poller.deadlines.set(self, self._poller.tick + ticks(NEXT_ATTEMPT_S) + 1)
            return
        if not self._attempts:
            self.cancel()
            self._connected(None)

    def _ready(self, descriptor: int, mask: int) -> None:
        attempt = self._attempts[descriptor]
        if is_reset(attempt, mask):
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
            self._poller.unmute(descriptor)
        self._connected(attempt)


def open_attempt(endpoint: Endpoint, port: int, egress: Direct) -> socket.socket:
    """Begin to connect to this address, leaving by `egress`; OSError if that fails."""
    attempt = open_socket(socket.SOCK_STREAM, endpoint.version, egress)
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

    __slots__ = ("_connected", "_handshake", "_poller", "_server", "_socket", "_to_server")

    def __init__(
        self, poller: Poller, name: Name, port: int, egress: Socks5, connected: Connected
    ) -> None:
        self._poller = poller
        self._connected = connected
        self._handshake = Socks5Connect(name, port, egress.credentials)
        self._server = egress.server
        self._to_server: ConnectingDirectly | None = None
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Connect to the server."""
        server = self._server
        self._to_server = ConnectingDirectly(
            self._poller, (endpoint_of(server.address),), server.port, ORDINARY, self._greet
        )
        self._to_server.start()

    def cancel(self) -> None:
        """End it; `connected` is not called."""
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
        """Take exactly the octets that the handshake wants; what follows is the origin's."""
        handshake = self._handshake
        while handshake.step is not Step.CONNECTED:
            arrived = len(connected.recv(handshake.wanted, socket.MSG_PEEK))
            if arrived == 0:
                raise Refused
            if arrived < handshake.wanted:
                return
            connected.sendall(handshake.feed(connected.recv(handshake.wanted)))
        self._socket = None
        self._poller.unmute(connected.fileno())
        self._connected(connected)
