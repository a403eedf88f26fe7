"""The HTTP server: Twisted's, but without access log, Server header and tracebacks.

A request must be whole, headers and body, within 30 seconds. A limit for idle time alone would let
a client that sends an octet now and then hold its connection for ever.
"""

import resource
from collections.abc import Callable, Sequence
from io import BytesIO

from twisted.internet.interfaces import IAddress, ISSLTransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web import http
from twisted.web.resource import Resource
from twisted.web.server import Request, Site

from registry.web.server.connections import Connections, connections_for
from smartdns.contract.addresses import Network, household_network, parse_address

LONGEST_BODY = 64 * 1024
"""Octets of a request's body; all our forms are much smaller."""
WHOLE_WITHIN_S = 30.0
"""From the connection's start, or the end of the former response, to a whole request."""

_TOO_LARGE = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Too large</title>"
    b"<p>You sent more than this page accepts. Please go back and try again."
)
_TOO_MANY_TEXT = b"There are too many connections from your network. Please try again later.\n"
_TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 30\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s"
    % (len(_TOO_MANY_TEXT), _TOO_MANY_TEXT)
)


class BoundedRequest(Request):
    """A request whose body has a maximum length and stays in memory."""

    _left = LONGEST_BODY

    def gotLength(self, length: int | None) -> None:
        """Refuse a body whose announced length is too large; never use a temporary file."""
        self.content = BytesIO()
        if length is not None and length > LONGEST_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Refuse a body that becomes too large: one in chunks does not announce its length."""
        self._left -= len(data)
        if self._left >= 0:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]
        else:
            self._refuse()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Drop headers with an underscore: WSGI would treat X_Forwarded_For as X-Forwarded-For."""
        if self._left < 0:
            return
        for name, _ in list(self.requestHeaders.getAllRawHeaders()):
            if b"_" in name:
                self.requestHeaders.removeHeader(name)
        super().requestReceived(command, path, version)  # type: ignore[no-untyped-call]

    def setHeader(self, name: bytes, value: bytes) -> None:
        """Set every header but Server."""
        if name.lower() != b"server":
            super().setHeader(name, value)  # type: ignore[no-untyped-call]

    def _refuse(self) -> None:
        self._left = -1
        self.channel.transport.write(  # type: ignore[union-attr]
            b"HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
            b"Content-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s"
            % (len(_TOO_LARGE), _TOO_LARGE)
        )
        self.channel.loseConnection()


class BoundedChannel(http.HTTPChannel):
    """A connection that ends if a request is not whole in time, or to make room for others."""

    client: Network | None = None
    """The household at the other end; None: a proxy of ours or a relay."""
    site: "QuietSite"

    def resetTimeout(self) -> None:
        """Do nothing: octets that arrive must not extend the time for a whole request."""

    def allContentReceived(self) -> None:
        """Note that a request is whole."""
        self.site.connections.busy(self.client, self)
        super().allContentReceived()  # type: ignore[no-untyped-call]

    def requestDone(self, request: http.Request) -> None:
        """Note that the connection waits for the next request."""
        self.site.connections.idle(self.client, self)
        super().requestDone(request)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Note that the connection has ended."""
        self.site.connections.closed(self.client, self)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def make_room(self) -> None:
        """End at once: a client with fewer connections needs the descriptor."""
        self.transport.abortConnection()  # type: ignore[union-attr]


class Refusal(Protocol):
    """Answers a connection that is not taken, and closes it."""

    def connectionMade(self) -> None:
        """Send 503, or with TLS close at once: nothing can be sent before the handshake."""
        assert self.transport is not None  # noqa: S101  # Twisted has just set it
        if ISSLTransport.providedBy(self.transport):
            self.transport.abortConnection()
            return
        self.transport.write(_TOO_MANY)
        self.transport.loseConnection()


class QuietSite(Site):
    """A site without any log, and with a limit to its connections."""

    noisy = False
    displayTracebacks = False
    protocol = BoundedChannel  # type: ignore[assignment]  # without HTTP/2, which needs h2

    def __init__(
        self,
        resource: Resource,
        connections: Connections[BoundedChannel],
        client_of: Callable[[str], Network | None],
    ) -> None:
        """`client_of`: address of the other end -> its household, or None if it has no limit."""
        super().__init__(  # type: ignore[no-untyped-call]
            resource, requestFactory=BoundedRequest, timeout=WHOLE_WITHIN_S
        )
        self.connections = connections
        self._client_of = client_of

    def buildProtocol(self, addr: IAddress | None) -> Protocol:  # type: ignore[override]
        """Take a connection, or refuse it."""
        client = self._client_of(addr.host)  # type: ignore[union-attr]
        taken, victim = self.connections.admit(client)
        if victim is not None:
            victim.make_room()
        if not taken:
            return Refusal()
        channel: BoundedChannel = super().buildProtocol(addr)  # type: ignore[no-untyped-call]
        channel.client = client
        self.connections.opened(client, channel)
        return channel

    def startFactory(self) -> None:
        """Do nothing: the inherited method opens a log and updates its time every second."""

    def stopFactory(self) -> None:
        """Do nothing: no log was opened."""

    def log(self, request: http.Request) -> None:
        """Write no access log."""


def connections_of_process() -> Connections[BoundedChannel]:
    """Give the count of connections for all sites of this process, by its descriptors."""
    return Connections(connections_for(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))


def household_of(trusted: Sequence[Network]) -> Callable[[str], Network | None]:
    """Give what finds the household of a connection; a trusted proxy has no limit of its own."""

    def find(host: str) -> Network | None:
        address = parse_address(host.partition("%")[0])
        if any(address in network for network in trusted):
            return None
        return household_network(address)

    return find
