"""A site that serves only the picture of the check, for devices that come through a relay.

Their requests have the relay's address. This site has no pages and no update endpoints, so nobody
can register the relay's address.
"""

from pathlib import Path

from twisted.web.resource import Resource
from twisted.web.server import Request

from registry.web.server.connections import Connections
from registry.web.server.site import BoundedChannel, QuietSite

_PICTURE = Path(__file__).parents[1] / "static" / "reached.svg"
_HEADERS = {
    b"Content-Type": b"image/svg+xml",
    b"Content-Security-Policy": b"default-src 'none'",
    b"X-Content-Type-Options": b"nosniff",
    b"Cache-Control": b"no-store",
}


class Picture(Resource):
    """The same response for every path."""

    isLeaf = True  # noqa: N815  # Twisted looks for it

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._octets = _PICTURE.read_bytes()

    def render(self, request: Request) -> bytes:
        """Answer GET and HEAD with the picture, every other method with 405."""
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        if request.method in {b"GET", b"HEAD"}:
            request.setHeader(b"Content-Length", str(len(self._octets)).encode())
            return b"" if request.method == b"HEAD" else self._octets
        request.setResponseCode(405)
        return b""


def make_picture_site(connections: Connections[BoundedChannel]) -> QuietSite:
    """Make the site; all its clients have the address of a relay, so none has a limit."""
    return QuietSite(Picture(), connections, lambda _host: None)
