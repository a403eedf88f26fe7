"""EDNS options of a query whose form is fixed: a wrong one earns it a FORMERR."""

from smartdns.answering.numbers import OPTION_COOKIE, OPTION_SUBNET

_ADDRESS_BITS = {0: 0, 1: 32, 2: 128}


def are_well_formed(options: tuple[tuple[int, bytes], ...]) -> bool:
    """Say whether each option that we know is as its RFC wants it; of others nothing is known."""
    return all(
        {OPTION_COOKIE: _is_cookie, OPTION_SUBNET: _is_subnet}.get(code, _is_anything)(data)
        for code, data in options
    )


def _is_cookie(data: bytes) -> bool:
    """RFC 7873 section 5.2.2."""
    return len(data) == 8 or 16 <= len(data) <= 40


def _is_anything(_: bytes) -> bool:
    return True


def _is_subnet(data: bytes) -> bool:
    """RFC 7871 section 7.1.2: family, source prefix length, scope 0, and the prefix's octets."""
    if len(data) < 4 or data[3] != 0:
        return False
    bits, address = data[2], data[4:]
    if bits > _ADDRESS_BITS.get(int.from_bytes(data[:2]), -1) or len(address) != (bits + 7) // 8:
        return False
    return not bits % 8 or not address[-1] & (0xFF >> bits % 8)
