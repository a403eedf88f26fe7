"""Which host names may be followed."""

import dns.exception
import dns.name

from registry.actions.errors import HostnameUnusable

LONGEST = 253
NEVER_PUBLIC = ("localhost", "local", "internal", "lan", "test", "invalid", "onion", "arpa", "alt")
"""Top-level names that no public name server knows (RFC 6761, 6762, 7686, 8375, 9476)."""


def parse_hostname(text: str, own_host: str) -> str:
    """Give the normal form (lower case, IDNA as ASCII, no dot at the end) of a DDNS name.

    `own_host`: host of our page; names below it are ours and follow nobody.
    """
    try:
        name = dns.name.from_text(text.strip().rstrip("."), idna_codec=dns.name.IDNA_2003_Practical)
        normal = name.to_text(omit_final_dot=True).lower()
    except (dns.exception.DNSException, UnicodeError):
        raise HostnameUnusable(reason="it is not a host name") from None
    labels = normal.split(".")
    if len(normal) > LONGEST or len(labels) < 2 or not all(_is_label(label) for label in labels):
        raise HostnameUnusable(reason="it is not a full host name such as home.example.net")
    if labels[-1] in NEVER_PUBLIC or labels[-1].isdigit():
        raise HostnameUnusable(reason="no public name server knows such a name")
    if normal == own_host or normal.endswith(f".{own_host}"):
        raise HostnameUnusable(reason="it is a name of ours")
    return normal


def _is_label(label: str) -> bool:
    return bool(label) and label.isascii() and label.replace("-", "").replace("_", "").isalnum()
