"""Record data: which types hold names that a sender may have compressed, and their layout.

Only the types of RFC 1035 may be compressed when written; the others of this table are
decompressed when read (RFC 3597 section 4). Every type that is not here is opaque octets.
"""

from smartdns.answering.numbers import CLASS_IN
from smartdns.wire.octets import MalformedError, Tails, read_name

# Type -> octets before the names, number of names; what follows the names is opaque.
_NAMES_IN: dict[int, tuple[int, int]] = {
    2: (0, 1),  # NS
    3: (0, 1),  # MD
    4: (0, 1),  # MF
    5: (0, 1),  # CNAME
    6: (0, 2),  # SOA
    7: (0, 1),  # MB
    8: (0, 1),  # MG
    9: (0, 1),  # MR
    12: (0, 1),  # PTR
    14: (0, 2),  # MINFO
    15: (2, 1),  # MX
    17: (0, 2),  # RP
    18: (2, 1),  # AFSDB
    21: (2, 1),  # RT
    24: (18, 1),  # SIG
    26: (2, 2),  # PX
    30: (0, 1),  # NXT
    33: (6, 1),  # SRV
    36: (2, 1),  # KX
    39: (0, 1),  # DNAME
    46: (18, 1),  # RRSIG
    47: (0, 1),  # NSEC
    64: (2, 1),  # SVCB
    65: (2, 1),  # HTTPS
    107: (2, 1),  # LP
}
_NAPTR = 35
HOLD_NAMES = frozenset(_NAMES_IN) | {_NAPTR}
"""Types whose data may be compressed; that of all others is the same octets everywhere."""
_COMPRESSED_WHEN_WRITTEN = frozenset({2, 5, 6, 12, 14, 15})
# What follows the names, where its length is fixed.
_REST = {2: 0, 5: 0, 6: 20, 12: 0, 14: 0, 15: 0, 33: 0, 39: 0}
# Data of a fixed length in class IN.
_FIXED = {1: 4, 28: 16}


def expand(kind: int, klass: int, data: bytes, begin: int, end: int, tails: Tails) -> bytes:
    """Give the record data of `data[begin:end]` with every name in it uncompressed."""
    if kind == _NAPTR:
        head = _after_strings(data, begin + 4, end, 3)
        return _expand_names(data, begin, end, head - begin, 1, tails)
    layout = _NAMES_IN.get(kind)
    if layout is None:
        if klass == CLASS_IN and end - begin != _FIXED.get(kind, end - begin):
            raise MalformedError
        return data[begin:end]
    return _expand_names(data, begin, end, *layout, tails, _REST.get(kind))


def _expand_names(
    data: bytes, begin: int, end: int, head: int, count: int, tails: Tails, rest: int | None = None
) -> bytes:
    parts = [data[begin : begin + head]]
    offset = begin + head
    for _ in range(count):
        name, offset = read_name(data, offset, tails)
        parts.append(name)
    if offset > end or (rest is not None and end - offset != rest):
        raise MalformedError
    parts.append(data[offset:end])
    return b"".join(parts)


def _after_strings(data: bytes, offset: int, end: int, count: int) -> int:
    """Skip character strings (RFC 1035 section 3.3)."""
    for _ in range(count):
        if offset >= end:
            raise MalformedError
        offset += 1 + data[offset]
    return offset


def split_names(kind: int, data: bytes) -> list[bytes] | None:
    """Split uncompressed data into octets, names that may be written compressed, and octets.

    None: there are no such names in it.
    """
    if kind not in _COMPRESSED_WHEN_WRITTEN:
        return None
    head, count = _NAMES_IN[kind]
    split = [data[:head]]
    offset = head
    for _ in range(count):
        name, offset = read_name(data, offset, {})
        split.append(name)
    split.append(data[offset:])
    return split
