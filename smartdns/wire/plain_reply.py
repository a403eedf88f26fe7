"""The form that most replies have which upstreams give, read by hand: 6 us instead of 90.

    header | the question as it was asked | 1 to n records | OPT without options, or nothing

with NOERROR, not truncated, and each record owned by the question's name (a pointer to it), of its
type and class IN, with data in which no name can be. Whatever differs is not judged here: aliases,
denials, signatures, errors and everything malformed take the way through the codec and `sanitize`,
and a reply of this form means the same there.
"""

from typing import Final, NamedTuple

from smartdns.answering.cache import Answer
from smartdns.answering.numbers import ANY, CLASS_IN, NOERROR, OPT
from smartdns.answering.plan import Record
from smartdns.answering.query import Question
from smartdns.answering.sanitize import LONGEST_TTL
from smartdns.wire.records import FIXED_LENGTHS, HOLD_NAMES, RECORD_FIELDS

_OWNER: Final = b"\xc0\x0c"
_MOST_RECORDS: Final = 64
_NO_OPTIONS: Final = b"\0\0"
_NEVER_PLAIN: Final = HOLD_NAMES | {ANY, OPT}
_HEAD: Final = len(_OWNER) + RECORD_FIELDS.size


_made: Final = tuple.__new__
"""Without the constructor, which is Python's."""


class PlainReply(NamedTuple):
    """What such a reply says: all that its asker needs, and what the cache is told afterwards."""

    section: bytes
    """The answer section for a message with the same question: every TTL the lowest, no record
    twice. Nearly always as it came."""
    datas: list[bytes]
    """Each record's data."""
    ttl: int
    authentic_data: bool

    def __repr__(self) -> str:
        """Show nothing of what was answered."""
        return "PlainReply"

    def answer(self, question: Question) -> Answer:
        """Give what `sanitize` would of this reply to `question`."""
        name, kind, klass = question
        records = tuple(Record(name, kind, klass, self.ttl, data) for data in self.datas)
        return Answer(NOERROR, records, (), self.ttl, self.authentic_data)


def read_plain_reply(data: bytes, end: int, question: Question) -> PlainReply | None:
    """Read a reply to `question`, whose octets end at `end`; None for every other form.

    The caller has compared the ID and the question's octets.
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
        or kind in _NEVER_PLAIN
        or question.klass != CLASS_IN
    ):
        return None
    datas, ttls, size, at = [], [], len(data), end
    length_due = FIXED_LENGTHS.get(kind)
    for _ in range(count):
        begin = at + _HEAD
        if begin > size or data[at : at + 2] != _OWNER:
            return None
        kind_here, klass, ttl, length = RECORD_FIELDS.unpack_from(data, at + 2)
        at = begin + length
        if kind_here != kind or klass != CLASS_IN or at > size:
            return None
        if length_due is not None and length != length_due:
            return None
        datas.append(data[begin:at])
        ttls.append(ttl)
    if opts and not _is_bare_opt(data, at):
        return None
    authentic = bool(data[3] & 0x20)
    if count > 1 or ttl > LONGEST_TTL:
        return _evened_out(kind, data[end:at], datas, ttls, authentic)
    return _made(PlainReply, (data[end:at], datas, ttl, authentic))


def _evened_out(
    kind: int,
    section: bytes,
    datas: list[bytes],
    ttls: list[int],
    authentic: bool,  # noqa: FBT001 - a field
) -> PlainReply:
    """Give every record the lowest TTL, and leave out what is there twice."""
    # RFC 2181 section 8: a TTL with its highest bit set is 0.
    ttl = min(LONGEST_TTL, *(0 if each >> 31 else each for each in ttls))
    once = list(dict.fromkeys(datas))
    if len(once) < len(datas) or max(ttls) != ttl:
        section = _section(kind, ttl, once)
    return PlainReply(section, once, ttl, authentic)


def _section(kind: int, ttl: int, datas: list[bytes]) -> bytes:
    parts: list[bytes] = []
    for each in datas:
        parts += (_OWNER, RECORD_FIELDS.pack(kind, CLASS_IN, ttl, len(each)), each)
    return b"".join(parts)


def _is_bare_opt(data: bytes, at: int) -> bool:
    """Say whether an OPT record without options and without more of a response code is there."""
    opt = data[at : at + 11]
    return len(opt) == 11 and opt[:3] == b"\0\0\x29" and not opt[5] and opt[9:] == _NO_OPTIONS
