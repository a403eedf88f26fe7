"""Host names as TLS and HTTP send them, and the three ways that reading one can end."""

import enum
import re

from smartdns.answering.query import Name

LABEL = rb"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rb"(?:%b\.)*(%b)" % (LABEL, LABEL))
_NUMBER = re.compile(rb"[0-9]+|0x[0-9a-f]*")
LONGEST = 253
"""Octets of a name in text without its last dot, so that 255 do in wire form (RFC 1035)."""


class NoName(enum.Enum):
    """Why there is no name."""

    NOT_YET = "more octets are needed"
    NEVER = "no further octet will give a name that may be relayed"


Outcome = Name | NoName


def parse_host_name(text: bytes) -> Name | None:
    """Read a host name in any case, with or without the last dot; None when it is none.

    Letters, digits, hyphens and underscores only (RFC 6066 section 3 wants A-labels). An
    address is not a name: neither with colons nor one whose last label is a number, which
    some resolvers would take for IPv4.
    """
    text = text.removesuffix(b".").lower()
    if len(text) > LONGEST or (match := _HOST_NAME.fullmatch(text)) is None:
        return None
    if _NUMBER.fullmatch(match[1]):
        return None
    labels = text.split(b".")
    return Name(b"".join([bytes((len(label),)) + label for label in labels]) + b"\x00")
