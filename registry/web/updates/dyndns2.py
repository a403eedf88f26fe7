"""The dyndns2 protocol, as values: what a router asks, and what it reads in the reply.

`GET /nic/update?hostname=h1,h2&myip=…` with Basic authentication; a plain-text line for each host
name, of which clients read the first word. There is no standard; the codes are those of
https://help.dyn.com/remote-access-api/ and what ddclient, inadyn, OpenWrt's ddns-scripts,
FRITZ!Box, Synology and DD-WRT make of them.

`myip` and its likes are not read: what gets registered is the address that the request came from.
A router behind another one reports a private address, and a token must not let in a stranger.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from smartdns.contract.addresses import Address

PATHS = frozenset({"/nic/update", "/v3/update", "/update"})
MOST_HOSTNAMES = 20
BADAUTH, ABUSE, TROUBLE = "badauth", "abuse", "911"
NOTFQDN, NUMHOST = "notfqdn", "numhost"

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOSTNAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")


@dataclass(frozen=True, slots=True)
class Hostnames:
    """Host names of one request, for a reply with a line for each; what they are does not matter.

    They are labels that routers insist on; the token alone says whose home it is.
    """

    usable: tuple[bool, ...]
    """One for each name, in order: whether it is one."""

    @property
    def refusal(self) -> str | None:
        """Code for the whole request, if nothing is to be registered."""
        if len(self.usable) > MOST_HOSTNAMES:
            return NUMHOST
        return None if any(self.usable) else NOTFQDN

    def render(self, code: str, address: Address | None = None) -> str:
        """Lines of a reply: `code` and the address for each name, or what is wrong with it."""
        done = code if address is None else f"{code} {address}"
        return "\n".join(done if usable else NOTFQDN for usable in self.usable)


def parse_hostnames(query: str) -> Hostnames:
    """Read the host names out of a query string; several are separated by commas."""
    values = dict(parse_qsl(query, max_num_fields=100)) if query.count("&") < 100 else {}
    names = [name.strip() for name in values.get("hostname", "").split(",")]
    return Hostnames(tuple(_is_hostname(name) for name in names if name))


def _is_hostname(name: str) -> bool:
    return len(name) <= 254 and _HOSTNAME.fullmatch(name) is not None


def parse_token(authorization: str) -> str | None:
    """Read the token out of a Basic Authorization header: its password, whoever the user is."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip()).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    del user
    return password.strip().lower() if colon else None


def is_embedded(site: str, destination: str, purpose: str) -> bool:
    """Say whether a browser sent this for another site's sake, not for its user's.

    `site`, `destination`, `purpose`: Sec-Fetch-Site, Sec-Fetch-Dest and Sec-Purpose, "" where
    absent (routers, curl). A link that somebody put as a picture into a forum would otherwise
    enrol every reader; one that is prefetched is not one that was opened.
    """
    return (
        site not in {"", "none", "same-origin"}
        or destination not in {"", "document"}
        or ("prefetch" in purpose)
    )
