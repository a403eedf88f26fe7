"""The HTTP server: Twisted's, but without access log, Server header and tracebacks."""

from io import BytesIO
from typing import Any

from twisted.python.threadpool import ThreadPool
from twisted.web import http
from twisted.web.server import Request, Site
from twisted.web.wsgi import WSGIResource

LONGEST_BODY = 64 * 1024
"""Octets of a request's body; all our forms are much smaller."""
IDLE_S = 30.0
THREADS = 12

_TOO_LARGE = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Too large</title>"
    b"<p>You sent more than this page accepts. Please go back and try again."
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


class QuietSite(Site):
    """A site without any log."""

    noisy = False
    displayTracebacks = False

    def startFactory(self) -> None:
        """Do nothing: the inherited method opens a log and updates its time every second."""

    def stopFactory(self) -> None:
        """Do nothing: no log was opened."""

    def log(self, request: http.Request) -> None:
        """Write no access log."""


def make_site(reactor: Any, pool: ThreadPool, application: Any) -> QuietSite:  # noqa: ANN401
    """Make a site for a WSGI application; the caller starts and stops the thread pool."""
    resource = WSGIResource(reactor, pool, application)
    return QuietSite(  # type: ignore[no-untyped-call]
        resource, requestFactory=BoundedRequest, timeout=IDLE_S
    )
