"""The metrics endpoint: HTTP on loopback, which keeps no record of who asks."""

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.posixbase import PosixReactorBase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

from smartdns.contract.addresses import SocketAddress
from smartdns.contract.configuration import SettingError


def serve_metrics(
    reactor: PosixReactorBase, where: SocketAddress, collect: Callable[[], Deferred[bytes]]
) -> IListeningPort:
    """Answer every GET with what `collect` gives; SettingError where that is taken."""
    site = _Silent(_Metrics(collect))  # type: ignore[no-untyped-call]
    site.noisy = False
    site.displayTracebacks = False
    try:
        port: IListeningPort = reactor.listenTCP(where.port, site, interface=str(where.address))
    except CannotListenError:
        raise SettingError(f"MEDIASTREAMER_METRICS: {where} cannot be listened on") from None
    return port


class _Silent(Site):
    def log(self, request: object) -> None:
        """No access log."""


class _Metrics(Resource):
    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, collect: Callable[[], Deferred[bytes]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._collect = collect

    def render_GET(self, request: Request) -> int:  # noqa: N802 - Twisted's name
        request.setHeader(b"Content-Type", b"text/plain; version=0.0.4; charset=utf-8")
        request.responseHeaders.removeHeader(b"Server")
        gone = request.notifyFinish()
        gone.addErrback(lambda _: None)
        collecting = self._collect()

        def finish(text: bytes) -> None:
            if not gone.called:
                request.write(text)
                request.finish()

        collecting.addCallback(finish)
        return NOT_DONE_YET
