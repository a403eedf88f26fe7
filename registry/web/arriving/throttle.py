"""Limits for guessing passwords and for sending mail, counted in memory.

A count lasts as long as its window and is never stored. Its key is an HMAC with a secret made at
start, so that not even the memory contains a list of addresses or accounts.

Nobody shuts another person out. What strangers do is counted apart from what a browser does that
has signed in to this account before, or that is in a network which the account has registered
(`known`). Too many wrong passwords for one account slow strangers down, but do not stop them.
"""

import functools
import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Any

from flask import Flask, abort, g, make_response, request, session
from flask_login import current_user
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from registry.web.arriving.known import known_as
from registry.web.arriving.sender import sender
from registry.web.sign_in.security_mail import limit_mails
from smartdns.contract.addresses import household_network

_SECRET = os.urandom(32)
Limit = tuple[RateLimitItem, str]
"""How often, and the key of the count."""


def _key(*parts: str) -> str:
    return hmac.new(_SECRET, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


class Counts:
    """Counts of one application; each key has a count for each limit."""

    def __init__(self) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def allow(self, limits: list[Limit]) -> bool:
        """Say whether all counts are below their limits; counts nothing."""
        return all(self._limiter.test(limit, key) for limit, key in limits)

    def add(self, limits: list[Limit]) -> None:
        """Count once for each limit."""
        for limit, key in limits:
            self._limiter.hit(limit, key)


OWN_GUESSES = parse("10 per 10 minutes")
"""Of a known browser or network, at its own account."""
GUESSES_HERE = parse("10 per 10 minutes")
"""Of strangers in one network, at one account."""
GUESSES_FROM = parse("60 per 10 minutes")
"""Of strangers in one network, at all accounts."""
MANY_GUESSES = parse("100 per hour")
"""Of all strangers at one account. Beyond it they are slowed down to the next two."""
SLOW_HERE = parse("2 per hour")
SLOW_GUESSES = parse("20 per minute")

AGAIN_IN_SESSION = parse("10 per hour")
"""Wrong passwords in one session, where the password is asked for again."""
AGAIN_FOR_ACCOUNT = parse("30 per hour")
"""More than one session can use up, so a stolen session does not shut out the owner's."""

MAILS = parse("2 per 20 minutes")
"""To one address. A mailed link is valid for longer, so there is always one to use."""
MAILS_FROM = parse("60 per hour")
"""Strangers in one network, to all addresses."""
RESETS = parse("30 per hour")
"""With one mailed link."""
SIGN_UPS_FROM = parse("20 per hour")


def _network() -> str:
    return str(household_network(sender()))


def sign_in_limits(counts: Counts, email: str, network: str, known: str | None) -> list[Limit]:
    """Give the limits for signing in as `email`; `known` is what `known_as` gives."""
    if known is not None:
        return [(OWN_GUESSES, _key("known", email, known))]
    everywhere = _key("account", email)
    here = _key("here", email, network)
    limits = [(GUESSES_HERE, here), (GUESSES_FROM, _key("network", network))]
    if not counts.allow([(MANY_GUESSES, everywhere)]):
        limits += [(SLOW_HERE, here), (SLOW_GUESSES, everywhere)]
    return limits


def may_mail(counts: Counts, recipient: str, network: str, known: str | None) -> bool:
    """Say whether a mailed link may be sent, and count it; nobody is told if it may not."""
    if known is not None:
        limits = [(MAILS, _key("mails of known", recipient, known))]
    else:
        to_one, from_one = _key("mails to", recipient), _key("mails from", network)
        limits = [(MAILS, to_one), (MAILS_FROM, from_one)]
    allowed = counts.allow(limits)
    if allowed:
        counts.add(limits)
    return allowed


def again_limits(account: str, session_id: str) -> list[Limit]:
    """Give the limits where a signed-in visitor is asked for the password again."""
    return [
        (AGAIN_IN_SESSION, _key("again in session", session_id)),
        (AGAIN_FOR_ACCOUNT, _key("again for account", account)),
    ]


ASK_AGAIN = frozenset(
    {
        "security.change_password",
        "security.change_email",
        "updaters.make",
        "account.stored_data",
        "account.delete",
    }
)
"""Endpoints that ask a signed-in visitor for the password again."""


def throttle(app: Flask) -> None:
    """Limit requests that check a password or send mail; above the limit the answer is 429."""
    counts = Counts()
    _limit(app, "security.login", functools.partial(_guard_sign_in, counts))
    for endpoint in ASK_AGAIN:
        _limit(app, endpoint, functools.partial(_guard_again, counts))
    _limit(app, "security.reset_password", functools.partial(_guard_reset, counts))
    _limit(app, "security.register", functools.partial(_guard_sign_up, counts))

    def allowed(recipient: str) -> bool:
        own = f"account {current_user.id}" if current_user.is_authenticated else None
        return may_mail(counts, recipient, _network(), own or known_as(recipient))

    limit_mails(app, allowed)


def _guard_sign_in(counts: Counts, view: Callable[..., Any]) -> object:
    email = request.form.get("email", "").strip().lower()
    known = known_as(email)
    limits = sign_in_limits(counts, email, _network(), known)
    if not counts.allow(limits):
        abort(429)
    response = make_response(view())
    if response.status_code != 302:  # the form was refused: otherwise it leads to another page
        counts.add(limits)
        if known is None:
            counts.add([(MANY_GUESSES, _key("account", email))])
    return response


def _guard_again(counts: Counts, view: Callable[..., Any]) -> object:
    if not current_user.is_authenticated:
        return view()  # it leads to the sign-in form
    limits = again_limits(str(current_user.id), str(session.get("browser")))
    if not counts.allow(limits):
        abort(429)
    response = make_response(view())
    if g.get("password_was_wrong", False):
        counts.add(limits)
    return response


def _guard_reset(counts: Counts, view: Callable[..., Any]) -> object:
    token = str((request.view_args or {}).get("token"))
    return _counted(counts, [(RESETS, _key("reset", token))], view)


def _guard_sign_up(counts: Counts, view: Callable[..., Any]) -> object:
    return _counted(counts, [(SIGN_UPS_FROM, _key("sign up", _network()))], view)


def _counted(counts: Counts, limits: list[Limit], view: Callable[..., Any]) -> object:
    if not counts.allow(limits):
        abort(429)
    counts.add(limits)
    return view()


def _limit(app: Flask, endpoint: str, guard: Callable[[Callable[..., Any]], object]) -> None:
    view = app.view_functions.get(endpoint)
    if view is None:
        return

    @functools.wraps(view)
    def limited(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  # arguments of any view
        if request.method != "POST":
            return view(*arguments, **named)
        return guard(functools.partial(view, *arguments, **named))

    app.view_functions[endpoint] = limited
