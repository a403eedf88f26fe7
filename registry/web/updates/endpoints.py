"""The endpoints for routers; they use no sessions, cookies or forms.

    GET /nic/update, /v3/update, /update    dyndns2 (`dyndns2`)
    GET /u/TOKEN                            for routers that can only open a link

People have links of their own (`link_page`), which are safe to share with a program that opens
links by itself.

This is WSGI middleware before Flask, because most reports change nothing and need only one
database query. The registered address is always the one that the request came from.
"""

import datetime
import http
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.addresses.registering import Registered
from registry.actions.addresses.rules import AddressRules
from registry.actions.errors import ActionRefused, TooManyChanges, UnknownToken
from registry.actions.updaters.tokens import is_token, unchanged_network, update_by_token
from registry.day import utc_today
from registry.faults import place_of
from registry.web.arriving.sender import Application, StartResponse, refusal_of, sender_of
from registry.web.updates import dyndns2
from registry.web.updates.change_budget import ChangeBudget
from smartdns.contract.addresses import Address

LINK = "/u/"
_HEADERS = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UpdateReply:
    """A plain-text response."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()


EMBEDDED = UpdateReply(
    403, "Another site requested this link. Open it yourself: type it in, or use a bookmark."
)
NOT_ALLOWED = UpdateReply(405, "Only GET is allowed here.", (("Allow", "GET"),))
BADAUTH = UpdateReply(401, dyndns2.BADAUTH, (("WWW-Authenticate", 'Basic realm="MediaStreamer"'),))
TROUBLE = UpdateReply(503, dyndns2.TROUBLE, (("Retry-After", "600"),))
NO_SUCH_LINK = UpdateReply(404, "This link is no longer valid. Create a new one on DNS Settings.")


@dataclass(frozen=True, slots=True)
class UpdateEndpoints:
    """WSGI middleware: answers updates, and passes every other request to the pages."""

    pages: Application
    rules: AddressRules
    sessions: sessionmaker[Session] = field(repr=False)
    readers: sessionmaker[Session] = field(repr=False)
    own_host: str = ""
    """Host name of our page."""
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
        self, environ: dict[str, Any], answer: Callable[[dict[str, Any], Address], UpdateReply]
    ) -> UpdateReply:
        if environ.get("REQUEST_METHOD") != "GET":
            return NOT_ALLOWED

        def header(name: str) -> str:
            return str(environ.get("HTTP_" + name.upper().replace("-", "_"), ""))

        if dyndns2.is_embedded(header, self.own_host):
            return EMBEDDED
        if refusal_of(environ) is not None:
            return TROUBLE  # the operator must correct a setting; routers will try again
        try:
            return answer(environ, sender_of(environ))
        except SQLAlchemyError as error:
            _log.error("an update failed: %s at %s", type(error).__name__, place_of(error))
            return TROUBLE

    def _update(self, environ: dict[str, Any], address: Address) -> UpdateReply:
        token = dyndns2.parse_token(environ.get("HTTP_AUTHORIZATION", ""))
        if token is None:
            return BADAUTH
        hostnames = dyndns2.parse_hostnames(environ.get("QUERY_STRING", ""))
        if hostnames.refusal is not None:
            with self.readers() as session:
                return UpdateReply(200, hostnames.refusal) if is_token(session, token) else BADAUTH
        try:
            outcome = self._report(token, address)
        except UnknownToken:
            return BADAUTH
        if isinstance(outcome, ActionRefused):
            return UpdateReply(200, hostnames.render(dyndns2.ABUSE))
        return UpdateReply(200, hostnames.render("good" if outcome.changed else "nochg", address))

    def _open_link(self, environ: dict[str, Any], address: Address) -> UpdateReply:
        token = environ["PATH_INFO"].removeprefix(LINK).strip("/").lower()
        try:
            outcome = self._report(token, address)
        except UnknownToken:
            return NO_SUCH_LINK
        if isinstance(outcome, ActionRefused):
            return UpdateReply(403, str(outcome))
        return UpdateReply(200, f"{'good' if outcome.changed else 'nochg'} {address}\nRegistered.")

    def _report(self, token: str, address: Address) -> Registered | ActionRefused:
        """Register the address; if it is already registered, write nothing and take no lock."""
        day = self.today()
        with self.readers() as session:
            network = unchanged_network(session, token, address, rules=self.rules, day=day)
        if network is not None:
            return Registered(network, changed=False)
        if self.budget.is_spent(token, time.monotonic()):
            return TooManyChanges()
        with self.sessions.begin() as session:
            outcome = update_by_token(session, token, address, rules=self.rules, day=day)
        if isinstance(outcome, Registered) and outcome.changed:
            self.budget.spend(token)
        return outcome
