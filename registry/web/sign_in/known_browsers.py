"""A cookie by which we know a browser that has signed in to an account before.

Guesses of such a browser are counted apart from everybody else's, so that nobody can lock out an
account's owner (OWASP calls these device cookies). The cookie lets nobody in. It is sealed, holds
a random number and the account's, is for one account and ends after half a year without a sign-in.
We store nothing of it.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping

from flask import Response, after_this_request, current_app, request

from registry.web.seal import Seal, SealError
from registry.web.services import services

VALID_S = 180 * 24 * 3600
_PURPOSE = "known browser"
_MARK = "known-"
_MOST_LOOKED_AT = 8
"""Cookies of one request; more are no browser's of ours."""


def remember_browser(account_id: int) -> None:
    """Give this browser the account's cookie with the response, or renew it."""
    number = known_browser(account_id) or os.urandom(16).hex()
    content = {"account": str(account_id), "number": number}
    sealed = services().seal.close(_PURPOSE, "", content)

    @after_this_request
    def add(response: Response) -> Response:
        response.set_cookie(
            _name(account_id),
            sealed,
            max_age=VALID_S,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response


def known_browser(account_id: int) -> str | None:
    """Give the number of this browser if it has signed in to the account before, else None."""
    content = _open(services().seal, request.cookies.get(_name(account_id), ""))
    return content["number"] if content.get("account") == str(account_id) else None


def known_at_all(seal: Seal, cookies: Mapping[str, str]) -> str | None:
    """Give the number of a browser that has signed in to any account, for code without Flask."""
    ours = [value for name, value in cookies.items() if _MARK in name]
    found = (_open(seal, value).get("number") for value in ours[:_MOST_LOOKED_AT])
    return next(filter(None, found), None)


def _open(seal: Seal, sealed: str) -> dict[str, str]:
    """Give what the cookie contains; {} if it is not one of ours, or too old."""
    try:
        return seal.open(_PURPOSE, "", sealed, VALID_S)
    except SealError:
        return {}


def _name(account_id: int) -> str:
    """Give the cookie's name, which is the account's own: one browser may know several."""
    key = services().settings.secret_key.encode()
    digest = hmac.digest(key, f"{_PURPOSE} {account_id}".encode(), hashlib.sha256)
    prefix = "__Host-" if current_app.config["SESSION_COOKIE_SECURE"] else ""
    return f"{prefix}{_MARK}{digest.hex()[:12]}"
