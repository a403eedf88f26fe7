"""The page's HTTP server: Twisted's, without its access log, its name, and its tracebacks."""

from io import BytesIO
from typing import Any

from twisted.python.threadpool import ThreadPool
from twisted.web import http
from twisted.web.server import Request, Site
from twisted.web.wsgi import WSGIResource

LONGEST_BODY = 64 * 1024
"""Octets of a request's body; every form of ours is far below."""
IDLE_S = 30.0
THREADS = 12

_TOO_LARGE = (
    b"<!doctype html><html lang=en><meta charset=utf-8><title>Too large</title>"
    b"<p>That was more than this page takes. Please go back and try again."
)


class BoundedRequest(Request):
    """A request whose body is short and stays in memory."""

    _left = LONGEST_BODY

    def gotLength(self, length: int | None) -> None:
        """Refuse a body that announces itself as too large; never open a temporary file."""
        self.content = BytesIO()
        if length is not None and length > LONGEST_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """Refuse a body that turns out to be too large, which one in chunks does not announce."""
        self._left -= len(data)
        if self._left >= 0:
            super().handleContentChunk(data)  # type: ignore[no-untyped-call]
        else:
            self._refuse()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Drop header names with an underscore: `X_Forwarded_For` would pass for another."""
        if self._left < 0:
            return
        for name, _ in list(self.requestHeaders.getAllRawHeaders()):
            if b"_" in name:
                self.requestHeaders.removeHeader(name)
        super().requestReceived(command, path, version)  # type: ignore[no-untyped-call]

    def setHeader(self, name: bytes, value: bytes) -> None:
        """Nobody needs to know which server this is."""
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
    """A site that writes nothing about who came."""

    noisy = False
    displayTracebacks = False

    def startFactory(self) -> None:
        """Not the inherited one: it opens a log and ticks every second for its time stamps."""

    def stopFactory(self) -> None:
        """Nothing was opened."""

    def log(self, request: http.Request) -> None:
        """No access log."""


def make_site(reactor: Any, pool: ThreadPool, application: Any) -> QuietSite:  # noqa: ANN401
    """Serve a WSGI application; the caller starts and stops the thread pool."""
    resource = WSGIResource(reactor, pool, application)
    return QuietSite(  # type: ignore[no-untyped-call]
        resource, requestFactory=BoundedRequest, timeout=IDLE_S
    )
