"""The dyndns2 protocol: reading a router's request and making the response; no I/O.

The request is `GET /nic/update?hostname=h1,h2&myip=…` with Basic authentication. The response has
a plain-text line for each host name, of which clients read the first word. There is no standard.
The codes are those of https://help.dyn.com/remote-access-api/, as ddclient, inadyn, OpenWrt's
ddns-scripts, FRITZ!Box, Synology and DD-WRT interpret them.

`myip` and similar parameters are ignored: we register the address that the request came from. A
router behind another router would report a private address, and a token must not be able to let
in a stranger.
"""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from smartdns.contract.addresses import Address

PATHS = frozenset({"/nic/update", "/v3/update", "/update"})
MOST_HOSTNAMES = 20
BADAUTH, ABUSE, TROUBLE = "badauth", "abuse", "911"
NOTFQDN, NUMHOST = "notfqdn", "numhost"

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


@dataclass(frozen=True, slots=True)
class Hostnames:
    """The host names of one request; the response has a line for each.

    Routers require host names, but we do not use them: the token alone identifies the home.
    """

    usable: tuple[bool, ...]
    """For each name in order: whether it is a host name."""

    @property
    def refusal(self) -> str | None:
        """Give the code for the whole request if nothing is to be registered, else None."""
        if len(self.usable) > MOST_HOSTNAMES:
            return NUMHOST
        return None if any(self.usable) else NOTFQDN

    def render(self, code: str, address: Address | None = None) -> str:
        """Give the lines of the response: code and address, or `notfqdn`, for each name."""
        line = code if address is None else f"{code} {address}"
        return "\n".join(line if usable else NOTFQDN for usable in self.usable)


def parse_hostnames(query: str) -> Hostnames:
    """Read the host names, separated by commas, from a query string."""
    values = dict(parse_qsl(query, max_num_fields=100)) if query.count("&") < 100 else {}
    names = [name.strip() for name in values.get("hostname", "").split(",")]
    return Hostnames(tuple(_is_hostname(name) for name in names if name))


def _is_hostname(name: str) -> bool:
    return len(name) <= 254 and _HOSTNAME.fullmatch(name) is not None


def parse_token(authorization: str) -> str | None:
    """Read the token from a Basic Authorization header: the password; any user name will do."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip()).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    del user
    return password.strip().lower() if colon else None


def is_embedded(header: Callable[[str], str], own_host: str) -> bool:
    """Say whether something else than a router, or a person who opened it, sent the request.

    `header`: name of a request header, in lower case -> its value, "" if absent; `own_host`: the
    host of our page. Otherwise a router's link, used as a picture in a forum, would register every
    reader, and a browser that fetches links in advance would register its user. Routers and curl
    send none of these headers but Accept.
    """
    if header("sec-fetch-site") not in {"", "none", "same-origin"}:
        return True
    if header("sec-fetch-dest") not in {"", "document"}:
        return True
    if header("accept").lower().startswith(_EMBEDDED_TYPES):
        return True
    if any(_EARLY.search(header(name).lower()) for name in _PURPOSES):
        return True
    return any(_is_foreign(header(name), own_host) for name in ("referer", "origin"))


_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_EARLY = re.compile("prefetch|prerender|preview")
_EMBEDDED_TYPES = ("image/", "video/", "audio/", "font/", "text/css")
"""What browsers begin Accept with for pictures, films, sounds, fonts and style sheets."""


def _is_foreign(origin: str, own_host: str) -> bool:
    """Say whether a Referer or Origin names another site; "null" hides which one it is."""
    try:
        return bool(origin) and urlsplit(origin).hostname != own_host
    except ValueError:
        return True
