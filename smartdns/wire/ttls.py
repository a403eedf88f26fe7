"""Where the TTLs of a message lie, so that they can be changed without reading the rest of it."""

from collections.abc import Sequence
from typing import Final

from smartdns.answering.numbers import HEADER_LENGTH, OPT

_OPT: Final = OPT.to_bytes(2)


def ttl_offsets(octets: bytes) -> Sequence[int]:
    """Give where the TTLs of a reply of ours lie, but for the OPT record's."""
    count = sum(int.from_bytes(octets[at : at + 2]) for at in (6, 8, 10))
    offset = _after_name(octets, HEADER_LENGTH) + 4
    found = []
    for _ in range(count):
        fields_at = _after_name(octets, offset)
        if octets[fields_at : fields_at + 2] != _OPT:
            found.append(fields_at + 4)
        offset = fields_at + 10 + int.from_bytes(octets[fields_at + 8 : fields_at + 10])
    return found


def _after_name(octets: bytes, offset: int) -> int:
    while (size := octets[offset]) and size < 0xC0:
        offset += size + 1
    return offset + (2 if size else 1)
