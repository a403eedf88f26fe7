"""Is it working? The visitor's own device asks our check names and draws its conclusions.

A picture below a random check name is found only by who asks through our resolvers from a
registered address. It shows without script, too; nothing is reported and nothing is kept.
"""

import secrets
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template
from flask_login import current_user

from registry.web.arrival import sender
from registry.web.household import load_household
from registry.web.parts import Parts, parts, visitor
from smartdns.contract.check_names import check_domain

check = Blueprint("check", __name__)


@check.get("/check")
def show() -> str:
    """Show what this device asks, and what to do about it."""
    here = None
    if current_user.is_authenticated:
        here = load_household(visitor().id, [sender()]).here[0]
    domain = check_domain(parts().settings.public_url)
    return render_template("check.html", here=here, pictures=_pictures(), domain=domain)


@check.get("/tv")
def television() -> str:
    """Show the same in large letters, for the browser of a TV."""
    return render_template("television.html", pictures=_pictures(), address=sender())


@check.get("/address")
def address() -> Response:
    """Say from which address a request comes, for programs that watch it."""
    return Response(f"{sender()}\n", content_type="text/plain; charset=utf-8")


def check_origin(parts: Parts) -> str | None:
    """Scheme, `*.check.<host>` and port; None where a browser could not tell.

    On https the certificate must hold for every check name, or each would look unreachable.
    """
    settings = parts.settings
    url = urlsplit(settings.public_url)
    if url.scheme == "https" and not settings.check_names:
        return None
    port = f":{url.port}" if url.port else ""
    return f"{url.scheme}://*.{check_domain(settings.public_url)}{port}"


def _pictures() -> str | None:
    """Address of the picture, with a fresh label so that no cache knows it; LABEL for the script's.

    The label is random and means nothing.
    """
    origin = check_origin(parts())
    if origin is None:
        return None
    return f"{origin.replace('*', secrets.token_hex(8))}/static/reached.svg"
