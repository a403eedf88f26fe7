"""Which pool of threads a request belongs to, and the answer when that pool is full."""

import enum
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from flask import Flask
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request
from twisted.web.wsgi import WSGIResource
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header
from werkzeug.routing import MapAdapter, RequestRedirect

from registry.languages import LANGUAGES
from registry.web.arriving.client_address import (
    FORWARDING_HEADERS,
    ClientAddressError,
    find_client_address,
)
from registry.web.server.pools import BoundedPool, PoolSize
from registry.web.updates import dyndns2
from registry.web.updates.endpoints import LINK
from smartdns.contract.addresses import Network, household_network, parse_address

RETRY_AFTER_S = 5


class Pool(enum.Enum):
    """The pools; each has its own threads."""

    PAGES = PoolSize(threads=6, waiting=200, per_client=60)
    """GET: reads the database, and never waits for a lock."""
    CHANGES = PoolSize(threads=4, waiting=100, per_client=60)
    """POST of a page; may wait for another transaction."""
    UPDATES = PoolSize(threads=4, waiting=200, per_client=100)
    """Routers. Many homes behind one carrier's address are one client here."""
    GUESSES = PoolSize(threads=2, waiting=4, per_client=2)
    """POST with a password. Each computes argon2id: 64 MiB and about 0.1 s on every processor."""
    KNOWN = PoolSize(threads=1, waiting=4, per_client=2)
    """The same, of browsers that have signed in before: strangers' guesses do not delay them."""
    MAILS = PoolSize(threads=1, waiting=8, per_client=2)
    """Requests for mailed links; these compute argon2id, too, for accounts that do not exist."""
    LOOK_UPS = PoolSize(threads=3, waiting=5, per_client=2)
    """Waits for name servers, up to ten seconds."""


POOL_OF: Mapping[str, Pool] = {
    "security.login": Pool.GUESSES,
    "security.register": Pool.GUESSES,
    "security.reset_password": Pool.GUESSES,
    "security.change_password": Pool.GUESSES,
    "security.change_email": Pool.GUESSES,
    "updaters.make": Pool.GUESSES,
    "account.stored_data": Pool.GUESSES,
    "account.delete": Pool.GUESSES,
    "security.forgot_password": Pool.MAILS,
    "security.send_confirmation": Pool.MAILS,
    "updaters.follow": Pool.LOOK_UPS,
}
"""Endpoint -> pool of its POST requests, where it is not CHANGES."""


class Dispatch(Resource):
    """Hands each request to the pool that it belongs to; 503 at once if that is full."""

    isLeaf = True  # noqa: N815  # Twisted looks for it

    def __init__(
        self,
        reactor: Any,  # noqa: ANN401
        application: Flask,
        trusted: Sequence[Network],
        busy: Mapping[str, bytes],
        known: Callable[[Mapping[str, str]], str | None],
    ) -> None:
        """`trusted`: proxies; `busy`: language -> the page that is sent when a pool is full.

        `known`: cookies -> the number of a browser that has signed in before, or None.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._reactor = reactor
        self._application = application
        self._routes = application.url_map.bind("page")
        self._trusted = trusted
        self._busy = busy
        self._known = known
        self._pools = {pool: BoundedPool(pool.name.lower(), pool.value) for pool in Pool}

    def start(self) -> None:
        """Make every pool ready."""
        for pool in self._pools.values():
            pool.start()

    def stop(self) -> None:
        """End the threads of every pool."""
        for pool in self._pools.values():
            pool.stop()

    def render(self, request: Request) -> Any:  # noqa: ANN401  # as Twisted has it
        """Begin the request in its pool, or refuse it."""
        wanted = pool_of(self._routes, request.method, request.path)
        client = _client_of(request, self._trusted)
        if wanted is Pool.GUESSES and (browser := self._known(_cookies(request))) is not None:
            wanted, client = Pool.KNOWN, browser
        place = self._pools[wanted].take(client)
        if place is None:
            return self._refuse(request, wanted)

        def gone(_reason: object) -> None:
            place.abandoned = True

        request.notifyFinish().addErrback(gone)
        resource = WSGIResource(self._reactor, place, self._application)
        try:
            resource.render(request)
        except Exception:
            place.give_back()
            raise
        return NOT_DONE_YET

    def _refuse(self, request: Request, wanted: Pool) -> bytes:
        request.setResponseCode(503)
        request.setHeader(b"Retry-After", str(RETRY_AFTER_S).encode())
        request.setHeader(b"Cache-Control", b"no-store")
        request.setHeader(b"X-Content-Type-Options", b"nosniff")
        if wanted is Pool.UPDATES:
            request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
            return f"{dyndns2.TROUBLE}\n".encode()
        request.setHeader(b"Content-Type", b"text/html; charset=utf-8")
        request.setHeader(b"Content-Security-Policy", b"default-src 'none'; style-src 'self'")
        spoken = _header(request, "accept-language")
        accepted = parse_accept_header(spoken, LanguageAccept)
        return self._busy[accepted.best_match(LANGUAGES) or "en"]


def pool_of(routes: MapAdapter, method: bytes, path: bytes) -> Pool:
    """Give the pool of a request; `path` is as it was sent."""
    text = unquote(path.decode("ascii", "replace"))
    if method in {b"GET", b"HEAD"}:
        is_update = text in dyndns2.PATHS or text.startswith(LINK)
        return Pool.UPDATES if is_update else Pool.PAGES
    try:
        endpoint, _ = routes.match(text, method="POST")
    except (HTTPException, RequestRedirect):
        return Pool.CHANGES
    return POOL_OF.get(endpoint, Pool.CHANGES)


def _client_of(request: Request, trusted: Sequence[Network]) -> Hashable:
    """Give the household that sent the request; a peer that names no client counts as one."""
    peer = request.getClientAddress().host
    carried = {name for name in FORWARDING_HEADERS if request.requestHeaders.hasHeader(name)}
    try:
        address = find_client_address(peer, _header(request, "x-forwarded-for"), carried, trusted)
    except ClientAddressError:
        address = parse_address(peer.partition("%")[0])
    return household_network(address)


def _cookies(request: Request) -> dict[str, str]:
    decoded = (
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in request.received_cookies.items()
    )
    return dict(decoded)


def _header(request: Request, name: str) -> str:
    return ",".join(request.requestHeaders.getRawHeaders(name, []))
