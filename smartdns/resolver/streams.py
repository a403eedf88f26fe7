"""Queries over TCP and TLS: accepts connections within the limits, and keeps the open ones."""

import ipaddress

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import ServerFactory

from smartdns.answering.query import Source, Transport
from smartdns.answering.rules.rate_limit import host_key
from smartdns.resolver.responder import Responder
from smartdns.resolver.stream import Stream
from smartdns.resolver.stream_limits import StreamLimits
from smartdns.resolver.stream_memo import StreamMemo


class Streams(ServerFactory):
    """Makes a `Stream` for each connection that the limits allow."""

    noisy = False

    def __init__(
        self,
        reactor: PosixReactorBase,
        responder: Responder,
        limits: StreamLimits,
        transport: Transport = "tcp",
        memo: StreamMemo | None = None,
    ) -> None:
        """Without a `memo` each query needs a decision."""
        self.reactor = reactor
        self.memo = memo
        self.responder = responder
        self.limits = limits
        self.transport: Transport = transport
        self.open: set[Stream] = set()
        self._closed: Deferred[None] | None = None

    def buildProtocol(self, addr: IAddress | None) -> "Stream | None":
        """Give the `Stream` of a connection; None (too many): Twisted closes it at once."""
        source = _source_of(addr, self.transport)
        network = self.responder.network_of(source.address)
        key, stranger = network or host_key(source.address), network is None
        if not self.limits.enter(key, stranger=stranger):
            return None
        return Stream(self, source, key, stranger=stranger)

    def finish(self) -> None:
        """Read no more; each connection closes when its replies are sent."""
        for stream in list(self.open):
            stream.finish()

    def close(self) -> Deferred[None]:
        """Drop the open connections; fires when all have ended."""
        closed: Deferred[None] = Deferred()
        self._closed = closed
        for stream in list(self.open):
            stream.drop()
        self._look()
        return closed

    def ended(self, stream: "Stream") -> None:
        """Forget a connection that has ended; each `Stream` calls this."""
        self.open.discard(stream)
        self._look()

    def _look(self) -> None:
        if self._closed is not None and not self.open:
            closed, self._closed = self._closed, None
            closed.callback(None)


def _source_of(addr: IAddress | None, transport: Transport) -> Source:
    host, port = getattr(addr, "host", ""), getattr(addr, "port", 0)
    packed = ipaddress.ip_address(host.partition("%")[0]).packed
    return Source(packed, port, transport)
