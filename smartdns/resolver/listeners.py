"""All ports that a worker listens on, opened and closed together."""

import socket
from collections import Counter
from collections.abc import Mapping, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.task import LoopingCall, deferLater

from smartdns.resolver.datagrams import DatagramPort, listen_datagrams
from smartdns.resolver.fast.batch import is_supported
from smartdns.resolver.fast.port import FastPort, listen_fast
from smartdns.resolver.responder import OUTCOMES, Responder
from smartdns.resolver.stream_limits import StreamLimits
from smartdns.resolver.stream_memo import StreamMemo
from smartdns.resolver.streams import Streams
from smartdns.resolver.tls import OverTls, ServerContext

_LOOK_EVERY_S = 0.02
FORGET_EVERY_S = 60.0
"""Seconds after which clients' addresses are forgotten, however busy the resolver is."""
DRAIN_S = 5.0
"""Seconds that queries in flight may still take when the worker ends."""


class Listeners(Service):
    """The listening ports over bound sockets; the caller still owns and closes these sockets."""

    def __init__(
        self,
        reactor: PosixReactorBase,
        responder: Responder,
        sockets: Mapping[str, Sequence[socket.socket]],
        limits: StreamLimits,
        tls: ServerContext | None = None,
        *,
        fast: bool = True,
    ) -> None:
        """Take `sockets` by transport: udp, tcp, and tls where there is a context.

        `fast`: replies are remembered, and datagrams take the fast path where the platform
        supports it.
        """
        self._urls = [
            f"{name}://{_where(bound)}" for name, group in sockets.items() for bound in group
        ]
        self._reactor = reactor
        self._responder = responder
        self._sockets = sockets
        fast = fast and is_supported()
        self._memo = StreamMemo(responder) if fast else None
        self._streams = Streams(reactor, responder, limits, memo=self._memo)
        self._tls_streams = Streams(reactor, responder, limits, "tls", self._memo)
        self._tls = tls
        self._listen_datagrams = listen_fast if fast else listen_datagrams
        self._datagram_ports: list[DatagramPort | FastPort] = []
        self._stream_ports: list[IListeningPort] = []
        self._forgetting = LoopingCall(self._forget_askers)
        self._forgetting.clock = reactor

    def report(self) -> dict[str, object]:
        """Give the addresses that queries are taken at, and whether they are taken."""
        return {"listen": self._urls, "ready": bool(self.running)}

    def metrics(self) -> dict[str, float]:
        """Give the counters of the listeners (`telemetry.metrics`)."""
        fast = [port for port in self._datagram_ports if isinstance(port, FastPort)]
        of_streams = 0 if self._memo is None else self._memo.remembered
        outcomes = sum((Counter(port.outcomes) for port in fast), self._responder.outcomes)
        return {
            **{f"queries:{outcome}": outcomes[outcome] for outcome in OUTCOMES},
            "queries:remembered": sum(port.remembered for port in fast) + of_streams,
            "queries:dropped": sum(port.dropped for port in fast),
            "queries_in_flight": self._responder.in_flight,
            "streams": len(self._streams.open) + len(self._tls_streams.open),
        }

    def startService(self) -> None:
        """Open every port."""
        super().startService()  # type: ignore[no-untyped-call]
        for bound in self._sockets.get("udp", ()):
            port = self._listen_datagrams(self._reactor, bound, self._responder)
            self._datagram_ports.append(port)
        for bound in self._sockets.get("tcp", ()):
            self._accept(bound, self._streams)
        if self._tls is not None:
            over_tls = OverTls(self._tls, self._tls_streams)
            for bound in self._sockets.get("tls", ()):
                self._accept(bound, over_tls)
        self._forgetting.start(FORGET_EVERY_S, now=False)

    def stopService(self) -> Deferred[None]:
        """Take no more queries, send the replies of those taken, close; fires when closed."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._forgetting.running:  # not if the service was stopped before
            self._forgetting.stop()
        return Deferred.fromCoroutine(self._drain_and_close())

    def _accept(self, bound: socket.socket, factory: IProtocolFactory) -> None:
        port = self._reactor.adoptStreamPort(bound.fileno(), bound.family, factory)
        self._stream_ports.append(port)

    def _forget_askers(self) -> None:
        self._responder.limits.forget_full(self._responder.clock())
        if self._memo is not None:
            self._memo.forget_askers()
        for port in self._datagram_ports:
            if isinstance(port, FastPort):
                port.forget_askers()

    async def _drain_and_close(self) -> None:
        for datagrams in self._datagram_ports:
            await maybeDeferred(datagrams.stopReading)
        for streams in (self._streams, self._tls_streams):
            streams.finish()
        for port in self._stream_ports:
            await maybeDeferred(port.stopListening)
        until = self._reactor.seconds() + DRAIN_S
        while self._responder.in_flight and self._reactor.seconds() < until:
            await deferLater(self._reactor, _LOOK_EVERY_S)
        for datagrams in self._datagram_ports:
            await maybeDeferred(datagrams.stopListening)
        for streams in (self._streams, self._tls_streams):
            await streams.close()


def _where(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if bound.family == socket.AF_INET6 else f"{host}:{port}"
