"""The form that most replies have which upstreams give, read by hand: 6 us instead of 90.

    header | the question as it was asked | 1 to n records | OPT without options, or nothing

with NOERROR, not truncated, and each record owned by the question's name (a pointer to it), of its
type and class IN, with data in which no name can be. Whatever differs is not judged here: aliases,
denials, signatures, errors and everything malformed take the way through the codec and `accept`,
and a reply of this form means the same there.
"""

from typing import Final

from smartdns.answering.accepting import LONGEST_TTL
from smartdns.answering.cache import Heard
from smartdns.answering.codes import ANY, CLASS_IN, NOERROR, OPT, A
from smartdns.answering.plan import Record
from smartdns.answering.query import Question
from smartdns.wire.octets import RECORD_FIELDS
from smartdns.wire.rdata import may_hold_names

_OWNER: Final = b"\xc0\x0c"
_FIXED: Final = {A: 4, 28: 16}
_MOST_RECORDS: Final = 64
_NO_OPTIONS: Final = b"\0\0"
_HEAD: Final = len(_OWNER) + RECORD_FIELDS.size


def read_plain_reply(data: bytes, end: int, question: Question) -> Heard | None:
    """Give what `accept` would of a reply to `question`, whose octets end at `end`.

    None for every other form. The caller has compared the ID and the question's octets.
    """
    kind = question.type
    count, opts = data[6] << 8 | data[7], data[11]
    if (
        data[2] & 0xFA != 0x80  # a reply, to opcode QUERY, not truncated
        or data[3] & 0x0F
        or data[4:6] != b"\0\1"
        or not 0 < count <= _MOST_RECORDS
        or data[8:11] != b"\0\0\0"
        or opts > 1
        or kind in {ANY, OPT}
        or question.klass != CLASS_IN
        or may_hold_names(kind)
    ):
        return None
    found = _records(data, end, count, kind)
    if found is None:
        return None
    ttl, datas, end = found
    if opts and not _is_bare_opt(data, end):
        return None
    name = question.name
    records = tuple(Record(name, kind, CLASS_IN, ttl, each) for each in dict.fromkeys(datas))
    return Heard(NOERROR, records, (), ttl, bool(data[3] & 0x20))


def _records(
    data: bytes, offset: int, count: int, wanted: int
) -> tuple[int, list[bytes], int] | None:
    """Give the lowest TTL, each record's data, and where the last ends."""
    lowest, datas, size = LONGEST_TTL, [], len(data)
    length_due = _FIXED.get(wanted)
    for _ in range(count):
        begin = offset + _HEAD
        if begin > size or data[offset : offset + 2] != _OWNER:
            return None
        kind, klass, ttl, length = RECORD_FIELDS.unpack_from(data, offset + 2)
        offset = begin + length
        if kind != wanted or klass != CLASS_IN or offset > size:
            return None
        if length_due is not None and length != length_due:
            return None
        datas.append(data[begin:offset])
        lowest = min(lowest, 0 if ttl >> 31 else ttl)
    return lowest, datas, offset


def _is_bare_opt(data: bytes, at: int) -> bool:
    """Say whether an OPT record without options and without more of a response code is there."""
    opt = data[at : at + 11]
    return len(opt) == 11 and opt[:3] == b"\0\0\x29" and not opt[5] and opt[9:] == _NO_OPTIONS
