"""Where routers and secret links report: apart from pages, sessions, cookies and forms.

    GET /nic/update, /v3/update, /update    dyndns2, for routers (`dyndns2`)
    GET /u/TOKEN                            secret link: opened, it registers the sender

A WSGI application in front of the pages, since a report that changes nothing is most of them and
takes one look-up. What is registered is always the address that the request came from.
"""

import datetime
import http
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.addresses.registering import Registered
from registry.actions.addresses.rules import AddressRules
from registry.actions.errors import Refused, TooManyChanges, UnknownToken
from registry.actions.updaters.tokens import hash_token, is_token, is_unchanged, update_by_token
from registry.day import utc_today
from registry.web import dyndns2
from registry.web.arrival import Application, StartResponse, refusal_of, sender_of
from smartdns.contract.addresses import Address

LINK = "/u/"
MOST_CHANGES, WINDOW_S = 30, 600.0
_HEADERS = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()


EMBEDDED = Reply(
    403, "Another site asked for this. Open the link yourself: type it or bookmark it."
)
NOT_ALLOWED = Reply(405, "Only GET is understood here.", (("Allow", "GET"),))
BADAUTH = Reply(401, dyndns2.BADAUTH, (("WWW-Authenticate", 'Basic realm="MediaStreamer"'),))
TROUBLE = Reply(503, dyndns2.TROUBLE, (("Retry-After", "600"),))
NO_SUCH_LINK = Reply(404, "This link is not valid any more. Make a new one on DNS Settings.")


class ChangeBudget:
    """How often one token may change its address: in memory, by hash, for a window at a time.

    A home moves once in a while; two that share a token would push each other out for ever, and
    each change is work for every resolver.
    """

    def __init__(self, most: int = MOST_CHANGES, window_s: float = WINDOW_S) -> None:
        self._most, self._window_s = most, window_s
        self._lock = threading.Lock()
        self._window = 0
        self._counts: Counter[str] = Counter()

    def is_spent(self, token: str, now: float) -> bool:
        """Say whether the token has changed its address often enough for now."""
        with self._lock:
            if (window := int(now // self._window_s)) != self._window:
                self._window, self._counts = window, Counter()
            return self._counts[hash_token(token)] >= self._most

    def spend(self, token: str) -> None:
        """Count a change."""
        with self._lock:
            self._counts[hash_token(token)] += 1


@dataclass(frozen=True, slots=True)
class Updates:
    """WSGI middleware: answers updates, and hands everything else to the pages."""

    pages: Application
    rules: AddressRules
    sessions: sessionmaker[Session] = field(repr=False)
    readers: sessionmaker[Session] = field(repr=False)
    budget: ChangeBudget = field(default_factory=ChangeBudget)
    today: Callable[[], datetime.date] = utc_today

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path: str = environ.get("PATH_INFO", "")
        if path in dyndns2.PATHS:
            reply = self._guarded(environ, self._update)
        elif path.startswith(LINK):
            reply = self._guarded(environ, self._open_link)
        else:
            return self.pages(environ, start_response)
        body = f"{reply.text}\n".encode()
        status = f"{reply.status} {http.HTTPStatus(reply.status).phrase}"
        length = ("Content-Length", str(len(body)))
        start_response(status, [*_HEADERS, *reply.headers, length])
        return [body]

    def _guarded(
        self, environ: dict[str, Any], answer: Callable[[dict[str, Any], Address], Reply]
    ) -> Reply:
        if environ.get("REQUEST_METHOD") != "GET":
            return NOT_ALLOWED
        if dyndns2.came_by_embedding(
            environ.get("HTTP_SEC_FETCH_SITE", ""),
            environ.get("HTTP_SEC_FETCH_DEST", ""),
            environ.get("HTTP_SEC_PURPOSE", ""),
        ):
            return EMBEDDED
        if refusal_of(environ) is not None:
            return TROUBLE  # the operator must mend something; routers shall come again
        try:
            return answer(environ, sender_of(environ))
        except SQLAlchemyError as error:
            _log.error("an update failed: %s", type(error).__name__)
            return TROUBLE

    def _update(self, environ: dict[str, Any], address: Address) -> Reply:
        token = dyndns2.parse_token(environ.get("HTTP_AUTHORIZATION", ""))
        if token is None:
            return BADAUTH
        hostnames = dyndns2.parse_hostnames(environ.get("QUERY_STRING", ""))
        if hostnames.refusal is not None:
            with self.readers() as session:
                return Reply(200, hostnames.refusal) if is_token(session, token) else BADAUTH
        try:
            done = self._report(token, address)
        except UnknownToken:
            return BADAUTH
        if isinstance(done, Refused):
            return Reply(200, hostnames.render(dyndns2.ABUSE))
        return Reply(200, hostnames.render("good" if done.changed else "nochg", address))

    def _open_link(self, environ: dict[str, Any], address: Address) -> Reply:
        token = environ["PATH_INFO"].removeprefix(LINK).strip("/").lower()
        try:
            done = self._report(token, address)
        except UnknownToken:
            return NO_SUCH_LINK
        if isinstance(done, Refused):
            return Reply(403, str(done))
        return Reply(200, f"{'good' if done.changed else 'nochg'} {address}\nRegistered.")

    def _report(self, token: str, address: Address) -> Registered | Refused:
        """Register; where nothing changes, nothing is written and nobody is waited for."""
        day = self.today()
        with self.readers() as session:
            network = is_unchanged(session, token, address, rules=self.rules, day=day)
        if network is not None:
            return Registered(network, changed=False)
        if self.budget.is_spent(token, time.monotonic()):
            return TooManyChanges()
        with self.sessions.begin() as session:
            done = update_by_token(session, token, address, rules=self.rules, day=day)
        if isinstance(done, Registered) and done.changed:
            self.budget.spend(token)
        return done
