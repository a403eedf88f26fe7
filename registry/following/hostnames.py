"""Which host names may be followed."""

import ipaddress

from registry.actions.errors import HostnameUnusable
from zones.names import NameFormatError, parse_name, render_name

NEVER_PUBLIC = ("localhost", "local", "internal", "lan", "test", "invalid", "onion", "arpa", "alt")
"""Top-level names that no public name server knows (RFC 6761, 6762, 7686, 8375, 9476)."""


def parse_hostname(text: str, own_host: str) -> str:
    """Give the normal form (lower case, IDNA as ASCII, no dot at the end) of a DDNS name.

    `own_host`: host of our page; names below it are ours and follow nobody.
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
        raise HostnameUnusable(reason="it is a name of ours")
    return normal


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
