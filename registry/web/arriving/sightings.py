"""The addresses of a visitor: that of the request, and one of the other family.

A TV may use IPv4 while the browser uses IPv6. So the page's script (or a link) asks a host name
that has addresses of one family only. The answer is a sealed sighting: the address that asked, and
the browser session. The page accepts it once, within two minutes, and in that session only.
"""

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, request, session
from werkzeug.wrappers import Response as BaseResponse

from registry.web.arriving.sender import sender
from registry.web.household import load_household
from registry.web.seal import SealError
from registry.web.services import services
from registry.web.sign_in.visitors import visitor
from smartdns.contract.addresses import Address, parse_address

sightings = Blueprint("sightings", __name__)

SIGHTING_S = 120


def own_ticket() -> str:
    """Give the ticket for the host of one family: session and account, sealed."""
    account = str(visitor().id)
    return services().seal.close("ticket", "", {"browser": _browser(), "account": account})


def accept_sighting(sealed: str, *, spend: bool) -> None:
    """Accept a sealed sighting for this request; an invalid one is ignored.

    `spend`: it cannot be used again. The page that only shows it does not spend it, because the
    form on that page sends it again.
    """
    if not sealed:
        return
    seal = services().seal
    open_ = seal.open_once if spend else seal.open
    try:
        found = open_("sighting", _browser(), sealed, SIGHTING_S)
    except SealError:
        return
    request.environ["mediastreamer.sighted"] = parse_address(found["address"])


def addresses_seen() -> list[Address]:
    """Give the addresses of this visitor, at most one of each family; IPv4 first."""
    own = sender()
    sighted: Address | None = request.environ.get("mediastreamer.sighted")
    addresses = [own]
    if sighted is not None and sighted.version != own.version:
        addresses.append(sighted)
    return sorted(addresses, key=lambda address: address.version)


@sightings.get("/sighting")
def observe() -> BaseResponse:
    """Answer with the sender's address, sealed for the session in the ticket."""
    try:
        ticket = services().seal.open("ticket", "", request.args.get("ticket", ""), SIGHTING_S)
    except SealError:
        abort(400)
    address = load_household(int(ticket["account"]), [sender()]).seen[0]
    sighting = services().seal.close("sighting", ticket["browser"], {"address": str(sender())})
    public_url = services().settings.public_url
    if request.args.get("return") == "1":  # without script: a link leads here and back
        return redirect(f"{public_url}/?seen={sighting}", 303)
    content = {"sighting": sighting, "text": address.text, "registered": address.registered}
    return _readable_by(public_url, content)


def _readable_by(origin: str, content: dict[str, Any]) -> Response:
    response = Response(json.dumps(content), content_type="application/json")
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Vary"] = "Origin"
    return response


def family_hosts() -> dict[int, str]:
    """Give family -> URL of the host name with that family only, as the operator has set them."""
    settings = services().settings
    url = urlsplit(settings.public_url)
    port = f":{url.port}" if url.port else ""
    hosts = {4: settings.ipv4_host, 6: settings.ipv6_host}
    return {family: f"{url.scheme}://{host}{port}" for family, host in hosts.items() if host}


def _browser() -> str:
    """Identify this browser's session without revealing the content of its cookie."""
    return hashlib.sha256(str(session.get("browser", "")).encode()).hexdigest()
