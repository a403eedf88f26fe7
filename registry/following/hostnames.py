"""Which host names can be followed."""

import ipaddress

from registry.actions.errors import HostnameUnusable
from zones.names import NameFormatError, parse_name, render_name

NEVER_PUBLIC = ("localhost", "local", "internal", "lan", "test", "invalid", "onion", "arpa", "alt")
"""Top-level names that public name servers do not have (RFC 6761, 6762, 7686, 8375, 9476)."""


def parse_hostname(text: str, own_host: str) -> str:
    """Give the normal form of a DDNS name, or raise HostnameUnusable.

    The normal form is lower case, ASCII (IDNA) and without a dot at the end. `own_host` is the host
    of our page; neither it nor a name below it can be followed.
    """
    name = text.strip().rstrip(".")
    try:
        normal = render_name(parse_name(name))
    except NameFormatError:
        normal = ""
    above, _, last = normal.rpartition(".")
    if _is_address(name) or (above and last in NEVER_PUBLIC):
        raise HostnameUnusable(reason="no public name server knows such a name")
    if not normal:
        raise HostnameUnusable(reason="it is not a host name")
    if not above:
        raise HostnameUnusable(reason="it is not a full host name such as home.example.net")
    if normal == own_host or normal.endswith(f".{own_host}"):
        raise HostnameUnusable(reason="it is one of our own names")
    return normal


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
