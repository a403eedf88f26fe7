"""Rate limits for guessing passwords and for sending mail, counted in memory.

A count lasts as long as its window and is never stored. Its key is an HMAC with a secret made at
start, so that not even the memory contains a list of addresses or accounts.
"""

import hashlib
import hmac
import os
import threading
from collections.abc import Callable
from typing import Any, cast

from flask import Flask, Response, request
from flask_limiter import Limiter

from registry.web.arriving.sender import sender
from smartdns.contract.addresses import household_network

_SECRET = os.urandom(32)


def _key(*parts: str) -> str:
    return hmac.new(_SECRET, "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def _network() -> str:
    return _key("network", str(household_network(sender())))


def _account() -> str:
    return _key("account", request.form.get("email", "").strip().lower())


def _account_here() -> str:
    """Give the key of an account and a network: nobody can lock out the owner from elsewhere."""
    return _key("here", _account(), _network())


def _failed(response: Response) -> bool:
    """Say whether the form was refused: otherwise it leads to another page."""
    return response.status_code != 302


_SIGN_IN: tuple[tuple[str, Callable[[], str]], ...] = (
    ("10 per 10 minutes", _account_here),
    ("100 per hour", _account),
    ("60 per 10 minutes", _network),
)
_MAIL: tuple[tuple[str, Callable[[], str]], ...] = (
    ("5 per hour", _account),
    ("20 per hour", _network),
)
_LIMITS = {
    "security.login": (_SIGN_IN, _failed),
    "security.forgot_password": (_MAIL, None),
    "security.register": (_MAIL, None),
    "security.send_confirmation": (_MAIL, None),
    "security.reset_password": ((("30 per hour", _network),), None),
    "security.change_password": ((("20 per hour", _network),), _failed),
    "security.change_email": ((("20 per hour", _network),), None),
    # These forms ask for the password again.
    "updaters.make": ((("30 per hour", _network),), None),
    "account.stored_data": ((("30 per hour", _network),), None),
    "account.delete": ((("30 per hour", _network),), None),
}


_HASHES_AT_ONCE = 4
_hashing = threading.BoundedSemaphore(_HASHES_AT_ONCE)


def throttle(app: Flask) -> None:
    """Limit requests that check a password or send mail; above the limit the answer is 429.

    Only a few of these requests run at a time: each computes argon2, which takes 64 MiB, so
    strangers could otherwise use up the memory.
    """
    limiter = Limiter(_network, app=app, storage_uri="memory://", headers_enabled=False)
    for endpoint, (limits, counts) in _LIMITS.items():
        for limit, key in limits if endpoint in app.view_functions else ():
            limited = limiter.limit(limit, key_func=key, methods=["POST"], deduct_when=counts)
            app.view_functions[endpoint] = cast("Any", limited(app.view_functions[endpoint]))
