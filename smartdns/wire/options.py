"""EDNS options of a query whose form is fixed: a wrong one makes the query malformed."""

from smartdns.answering.codes import OPTION_COOKIE, OPTION_SUBNET
from smartdns.wire.octets import MalformedError

_ADDRESS_BITS = {0: 0, 1: 32, 2: 128}


def check_options(options: tuple[tuple[int, bytes], ...]) -> None:
    """Raise MalformedError where an option we know is not as its RFC wants; ignore all others."""
    for code, data in options:
        if code == OPTION_COOKIE and len(data) != 8 and not 16 <= len(data) <= 40:
            raise MalformedError  # RFC 7873 section 5.2.2
        if code == OPTION_SUBNET and not _is_subnet(data):
            raise MalformedError  # RFC 7871 section 7.1.2


def _is_subnet(data: bytes) -> bool:
    """Family, source prefix length, scope 0, and just the octets of the prefix, padded with 0."""
    if len(data) < 4 or data[3] != 0:
        return False
    bits, address = data[2], data[4:]
    if bits > _ADDRESS_BITS.get(int.from_bytes(data[:2]), -1) or len(address) != (bits + 7) // 8:
        return False
    return not bits % 8 or not address[-1] & (0xFF >> bits % 8)
