"""Records: their fixed fields, and the names in their data that a sender may have compressed.

Only the types of RFC 1035 may be compressed when written; the others of the table are decompressed
when read (RFC 3597 section 4). The data of every type that is not there is opaque octets.
"""

import struct
from typing import Final

from smartdns.answering import numbers
from smartdns.answering.numbers import AAAA, CLASS_IN, NAPTR, A
from smartdns.answering.plan import Record
from smartdns.wire.names import (
    Known,
    MalformedError,
    Targets,
    end_of_labels,
    read_name,
    write_name,
)

RECORD_FIELDS: Final = struct.Struct("!HHIH")
"""Type, class, TTL and length of the data, after the owner's name (RFC 1035 section 3.2.1)."""
POINTED_RECORD: Final = struct.Struct("!HHHIH")
"""The same after an owner that is a pointer."""
SHORTEST_RECORD: Final = 1 + RECORD_FIELDS.size
"""Octets of one that the root owns, without data."""
FIXED_LENGTHS: Final = {A: 4, AAAA: 16}
"""Octets of data of types that have always as many, in class IN."""

# Type -> octets before the names, number of names, octets after them (None: any number).
_LAYOUTS: Final[dict[int, tuple[int, int, int | None]]] = {
    numbers.NS: (0, 1, 0),
    numbers.MD: (0, 1, None),
    numbers.MF: (0, 1, None),
    numbers.CNAME: (0, 1, 0),
    numbers.SOA: (0, 2, 20),
    numbers.MB: (0, 1, None),
    numbers.MG: (0, 1, None),
    numbers.MR: (0, 1, None),
    numbers.PTR: (0, 1, 0),
    numbers.MINFO: (0, 2, 0),
    numbers.MX: (2, 1, 0),
    numbers.RP: (0, 2, None),
    numbers.AFSDB: (2, 1, None),
    numbers.RT: (2, 1, None),
    numbers.SIG: (18, 1, None),
    numbers.PX: (2, 2, None),
    numbers.NXT: (0, 1, None),
    numbers.SRV: (6, 1, 0),
    numbers.KX: (2, 1, None),
    numbers.DNAME: (0, 1, 0),
    numbers.RRSIG: (18, 1, None),
    numbers.NSEC: (0, 1, None),
    numbers.SVCB: (2, 1, None),
    numbers.HTTPS: (2, 1, None),
    numbers.LP: (2, 1, None),
}
HOLD_NAMES: Final = frozenset(_LAYOUTS) | {NAPTR}
"""Types whose data may be compressed; that of all others is the same octets everywhere."""
COMPRESSED_WHEN_WRITTEN: Final = frozenset(
    {numbers.NS, numbers.CNAME, numbers.SOA, numbers.PTR, numbers.MINFO, numbers.MX}
)


def read_fields(data: bytes, at: int) -> tuple[int, int, int, int, int]:
    """Give type, class and TTL of a record whose owner ends at `at`, and its data's two ends.

    Both are in `data`. Raises what is in `UNREADABLE`, as everything here that reads.
    """
    kind, klass, ttl, length = RECORD_FIELDS.unpack_from(data, at)
    begin = at + RECORD_FIELDS.size
    if begin + length > len(data):
        raise MalformedError
    return kind, klass, ttl, begin, begin + length


def read_data(kind: int, klass: int, data: bytes, begin: int, end: int, known: Known) -> bytes:
    """Give the record data of `data[begin:end]` with every name in it uncompressed."""
    layout = _LAYOUTS.get(kind)
    if layout is None and kind == NAPTR:
        layout = _after_strings(data, begin + 4, end, 3) - begin, 1, None
    if layout is None:
        if klass == CLASS_IN and end - begin != FIXED_LENGTHS.get(kind, end - begin):
            raise MalformedError
        return data[begin:end]
    head, count, rest = layout
    names, at = data[begin : begin + head], begin + head
    for _ in range(count):
        name, at = read_name(data, at, known)
        names += name
    if at > end or (rest is not None and end - at != rest):
        raise MalformedError
    return names + data[at:end]


def _after_strings(data: bytes, at: int, end: int, count: int) -> int:
    """Skip character strings (RFC 1035 section 3.3)."""
    for _ in range(count):
        if at >= end:
            raise MalformedError
        at += 1 + data[at]
    return at


def write_record(message: bytearray, record: Record, targets: Targets) -> None:
    """Write a record whose data is uncompressed, with the names compressed that may be."""
    name, kind, klass, ttl, data = record
    write_name(message, name, targets)
    if kind not in COMPRESSED_WHEN_WRITTEN:
        message += RECORD_FIELDS.pack(kind, klass, ttl, len(data))
        message += data
        return
    message += RECORD_FIELDS.pack(kind, klass, ttl, 0)
    begin = len(message)
    at, count, _ = _LAYOUTS[kind]
    message += data[:at]
    for _ in range(count):
        end = end_of_labels(data, at) + 1
        write_name(message, data[at:end], targets)
        at = end
    message += data[at:]
    message[begin - 2 : begin] = (len(message) - begin).to_bytes(2)
