"""Names and records as octets: read strictly, work bounded, nothing decoded to text."""

import struct

MAXIMUM_NAME = 255  # RFC 1035 section 3.1, the root's octet included
MAXIMUM_POINTERS = 32

# RFC 1035 section 3.2.1: type, class, TTL and length of the data, after the owner's name.
RECORD_FIELDS = struct.Struct("!HHIH")

Tails = dict[int, bytes]
"""Where a pointer of this message led: many pointers to one long chain cost no more than one."""


class MalformedError(ValueError):
    """The octets are no DNS message; carries nothing of them."""


def read_name(data: bytes, start: int, tails: Tails) -> tuple[bytes, int]:
    """Give the name at `start`, uncompressed with its case kept, and where it ends.

    A pointer must lead before everything this name has used so far, which rules out loops and
    forward pointers (RFC 1035 section 4.1.4).
    """
    runs: list[bytes] = []
    first_target, end, lowest, offset = -1, 0, start, start
    for _ in range(MAXIMUM_POINTERS):
        stop, size = _labels_end(data, offset)
        if size == 0:
            runs.append(data[offset : stop + 1])
            end = end or stop + 1
            break
        runs.append(data[offset:stop])
        target = _pointer(data, stop)
        end = end or stop + 2
        if target >= lowest:
            raise MalformedError
        if target in tails:
            runs.append(tails[target])
            break
        first_target = first_target if first_target >= 0 else target
        lowest = offset = target
    else:
        raise MalformedError
    name = b"".join(runs)
    if len(name) > MAXIMUM_NAME:
        raise MalformedError
    if first_target >= 0:
        tails[first_target] = name[len(runs[0]) :]
    return name, end


def _labels_end(data: bytes, offset: int) -> tuple[int, int]:
    """Give where a run of whole labels ends, and the octet there: 0 or the first of a pointer."""
    limit = offset + MAXIMUM_NAME
    try:
        while 0 < (size := data[offset]) < 0x40 and offset < limit:
            offset += size + 1
    except IndexError:
        raise MalformedError from None
    return offset, size


def _pointer(data: bytes, offset: int) -> int:
    """Read a pointer; the label types 01 and 10 (RFC 6891 section 5) are no more."""
    if data[offset] < 0xC0 or offset + 1 >= len(data):
        raise MalformedError
    return (data[offset] & 0x3F) << 8 | data[offset + 1]


def read_record(data: bytes, start: int, tails: Tails) -> tuple[bytes, int, int, int, int, int]:
    """Give owner, type, class, TTL, and where the data begins and ends, which is in `data`."""
    name, offset = read_name(data, start, tails)
    if offset + 10 > len(data):
        raise MalformedError
    kind, klass, ttl, length = RECORD_FIELDS.unpack_from(data, offset)
    begin = offset + 10
    if begin + length > len(data):
        raise MalformedError
    return name, kind, klass, ttl, begin, begin + length


def read_pairs(data: bytes) -> tuple[tuple[int, bytes], ...]:
    """Read EDNS options: code and length, 16 bits each, then data (RFC 6891 section 6.1.2)."""
    pairs = []
    offset = 0
    while offset < len(data):
        if offset + 4 > len(data):
            raise MalformedError
        code, length = struct.unpack_from("!HH", data, offset)
        offset += 4 + length
        if offset > len(data):
            raise MalformedError
        pairs.append((code, data[offset - length : offset]))
    return tuple(pairs)
