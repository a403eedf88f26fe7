"""Queries: what clients send is read, strictly and totally; what upstreams are sent is written.

Nothing that arrives here raises: what cannot be read is `Malformed` or None.
"""

import struct
from typing import Final, NamedTuple

from smartdns.answering.numbers import (
    AD,
    CD,
    FORMERR,
    HEADER_LENGTH,
    OPCODE_NOTIFY,
    OPCODE_QUERY,
    OPCODE_SHIFT,
    OPT,
    OPTION_COOKIE,
    OPTION_PADDING,
    QR,
    QR_OCTET,
    RA,
    RD,
    TSIG,
)
from smartdns.answering.plan import Forward
from smartdns.answering.query import Edns, Name, Query, Question, Signature
from smartdns.wire.edns import BARE_OPT, OPT_RECORD, read_opt, write_opt
from smartdns.wire.names import UNREADABLE, Known, MalformedError, end_of_labels, read_name
from smartdns.wire.records import read_data, read_fields

HEADER: Final = struct.Struct("!6H")
"""ID, flags, and how many questions, answers, authority and additional records there are."""
TYPE_AND_CLASS: Final = struct.Struct("!HH")
_OPCODES_WITH_QUESTION: Final = frozenset((OPCODE_QUERY, OPCODE_NOTIFY))
_FIRST_TO_UPSTREAM: Final = {
    (checking_disabled, edns): HEADER.pack(0, RD | AD | CD * checking_disabled, 1, 0, 0, edns)[2:]
    for checking_disabled in (False, True)
    for edns in (False, True)
}
"""The header of a query to an upstream, behind its ID; AD asks for AD (RFC 6840 section 5.7)."""
_CASE_BITS: Final = bytes(0x20 if 0x61 <= octet <= 0x7A else 0 for octet in range(256))
_new: Final = tuple.__new__
"""As in `edns`."""


class Malformed(NamedTuple):
    """What can be said of a query that cannot be read."""

    id: int
    opcode: int
    recursion_desired: bool

    def __repr__(self) -> str:
        """Show nothing of what came."""
        return "Malformed"


def parse_query(data: bytes) -> Query | Malformed | None:
    """Read a query; None is one that gets no reply at all: no header, or itself a reply."""
    if len(data) < HEADER_LENGTH or data[2] & QR_OCTET:
        return None
    try:
        return _read_query(data)
    except UNREADABLE:
        id_, flags, *_ = HEADER.unpack_from(data)
        return Malformed(id_, flags >> OPCODE_SHIFT, flags & RD != 0)


def _read_query(data: bytes) -> Query:
    """Read the form that nearly all have, one question and at most an OPT record, else any."""
    id_, flags, questions, answers, authorities, additional = HEADER.unpack_from(data)
    if questions != 1 or answers or authorities or additional > 1 or flags >> OPCODE_SHIFT:
        return _read_any_query(data)
    stop = end_of_labels(data, HEADER_LENGTH)
    if data[stop]:  # a pointer, before which there is nothing to point to
        raise MalformedError
    kind, klass = TYPE_AND_CLASS.unpack_from(data, stop + 1)
    edns = None
    if additional:
        opt = read_opt(data, stop + 5)
        if opt is None:
            return _read_any_query(data)
        edns = opt.edns
    question = _new(Question, (data[HEADER_LENGTH : stop + 1].lower(), kind, klass))
    fields = (
        id_, OPCODE_QUERY, flags & RD != 0, flags & CD != 0, flags & AD != 0,
        question, data[HEADER_LENGTH : stop + 5], edns, None,
    )  # fmt: skip
    return _new(Query, fields)


def _read_any_query(data: bytes) -> Query:
    id_, flags, questions, answers, authorities, additional = HEADER.unpack_from(data)
    opcode = flags >> OPCODE_SHIFT
    known: Known = {}
    question, wire, at = _read_questions(data, questions, known)
    edns, signature = _read_extras(data, at, answers + authorities, additional, known)
    if opcode not in _OPCODES_WITH_QUESTION:  # something else is in its place
        question, wire = None, b""
    if opcode == OPCODE_QUERY and question is None and not (questions == 0 and _may_lack_it(edns)):
        raise MalformedError  # RFC 9619
    return Query(
        id=id_,
        opcode=opcode,
        recursion_desired=flags & RD != 0,
        checking_disabled=flags & CD != 0,
        authentic_data=flags & AD != 0,
        question=question,
        question_wire=wire,
        edns=edns,
        signature=signature,
    )


def _read_questions(data: bytes, count: int, known: Known) -> tuple[Question | None, bytes, int]:
    """Give the question and its octets where there is just one, and where the section ends."""
    question, wire, at = None, b"", HEADER_LENGTH
    for _ in range(count):
        name, end = read_name(data, at, known)
        if count == 1 and len(name) != end - at:
            raise MalformedError  # there is nothing before it that it could be compressed with
        question = Question(Name(name.lower()), *TYPE_AND_CLASS.unpack_from(data, end))
        wire = data[at : end + 4]
        at = end + 4
    return (question, wire, at) if count == 1 else (None, b"", at)


def _read_extras(
    data: bytes, at: int, ordinary: int, additional: int, known: Known
) -> tuple[Edns | None, Signature | None]:
    """Walk the records of a query, of which only OPT and TSIG matter to us.

    `ordinary` of them are in the answer and authority sections, where neither may be.
    """
    edns, signature = None, None
    for number in range(ordinary + additional):
        if signature is not None:
            raise MalformedError  # TSIG comes last (RFC 8945 section 5.1)
        start = at
        name, at = read_name(data, start, known)
        kind, klass, _, begin, at = read_fields(data, at)
        if kind not in {OPT, TSIG}:
            read_data(kind, klass, data, begin, at, known)
        elif number < ordinary:
            raise MalformedError
        elif kind == TSIG:
            signature = _signature(name, data, begin, at)
        elif edns is None and (opt := read_opt(data, start)) is not None:
            edns = opt.edns
        else:  # a second one, or one that is not the root's
            raise MalformedError
    return edns, signature


def _signature(name: bytes, data: bytes, begin: int, end: int) -> Signature:
    """Read of a TSIG what a reply has to repeat (RFC 8945 section 4.2)."""
    algorithm, at = read_name(data, begin, {})
    if at + 16 > end:
        raise MalformedError
    return Signature(Name(name.lower()), algorithm, data[at : at + 6])


def _may_lack_it(edns: Edns | None) -> bool:
    """Say whether a query of no question may be that (RFC 7873 section 5.4): it has a cookie.

    What a version of EDNS that we do not know makes of it is not for us to judge (RFC 6891 6.1.3).
    """
    return edns is not None and (
        edns.version > 0 or any(code == OPTION_COOKIE for code, _ in edns.options)
    )


def render_formerr(query: Malformed) -> bytes:
    """Render FORMERR with nothing but a header."""
    flags = QR | query.opcode << OPCODE_SHIFT | RD * query.recursion_desired | RA | FORMERR
    return HEADER.pack(query.id, flags, 0, 0, 0, 0)


def render_query(
    plan: Forward, message_id: bytes, noise: int, *, edns: bool = True, padding_block: int = 0
) -> bytes:
    """Render what `plan` asks of an upstream, with an ID of two octets.

    `noise` decides about the case of the name, as in `mix_case`; 0: lower case. Neither it nor the
    ID may be guessed by anybody. Without `edns` there is no OPT record, for upstreams that know
    none; `padding_block` rounds the size up with an option (RFC 7830).
    """
    (name, kind, klass), dnssec_ok, checking_disabled, _ = plan
    opt = BARE_OPT[dnssec_ok] if edns else b""
    if padding_block and edns:
        size = HEADER_LENGTH + len(name) + 4 + OPT_RECORD.size + 4
        opt = write_opt(0, ((OPTION_PADDING, bytes(-size % padding_block)),), dnssec_ok=dnssec_ok)
    return b"".join(
        (
            message_id,
            _FIRST_TO_UPSTREAM[checking_disabled, edns],
            mix_case(name, noise),
            TYPE_AND_CLASS.pack(kind, klass),
            opt,
        )
    )


def mix_case(name: bytes, noise: int) -> bytes:
    """Give a lower-case `name` with each letter's case as a bit of `noise` says (0x20).

    `noise` has eight bits for each octet of the name, the last octet's being the lowest.
    """
    bits = int.from_bytes(name.translate(_CASE_BITS)) & noise
    return (int.from_bytes(name) ^ bits).to_bytes(len(name))
