"""Replies: what clients get is written; what upstreams say is read, strictly and totally."""

from typing import Final

from smartdns.answering.numbers import (
    AD,
    CD,
    CLASS_IN,
    HEADER_LENGTH,
    LARGEST_MESSAGE,
    OPCODE,
    OPCODE_SHIFT,
    OPT,
    OPTION_PADDING,
    PAYLOAD_SIZE,
    PAYLOAD_SIZE_WITHOUT_EDNS,
    QR,
    QR_OCTET,
    RA,
    RCODE,
    RD,
    TC,
)
from smartdns.answering.plan import Record, Reply
from smartdns.answering.query import Name, Query, Question, Transport
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.wire.edns import (
    Opt,
    Options,
    error_option,
    first_error,
    read_opt,
    says_no_more,
    write_opt,
)
from smartdns.wire.names import (
    POINTER,
    UNREADABLE,
    Known,
    MalformedError,
    end_of_labels,
    question_targets,
    read_name,
)
from smartdns.wire.queries import HEADER, TYPE_AND_CLASS
from smartdns.wire.records import (
    COMPRESSED_WHEN_WRITTEN,
    FIXED_LENGTHS,
    HOLD_NAMES,
    POINTED_RECORD,
    RECORD_FIELDS,
    SHORTEST_RECORD,
    read_data,
    read_fields,
    write_record,
)

QUESTION_NAME: Final = POINTER | HEADER_LENGTH
"""A pointer to the question's name."""
_POINTER_OCTET: Final = QUESTION_NAME >> 8
_NAME_OCTET: Final = QUESTION_NAME & 0xFF
_new: Final = tuple.__new__
"""As in `edns`."""


def size_limit(query: Query, transport: Transport) -> int:
    """Octets that a reply may have: over UDP what the sender takes, and what no path fragments."""
    if transport != "udp":
        return LARGEST_MESSAGE
    if query.edns is None:
        return PAYLOAD_SIZE_WITHOUT_EDNS
    return min(max(query.edns.payload_size, PAYLOAD_SIZE_WITHOUT_EDNS), PAYLOAD_SIZE)


def render_reply(
    query: Query, reply: Reply, *, limit: int, options: Options = (), padding_block: int = 0
) -> bytes:
    """Render at most `limit` octets: in need without additional records, then as good as empty.

    `options` go into the OPT record, and that only where the query had one; `padding_block`
    rounds the size up with an option (RFC 7830) where the query had that option.
    """
    if reply.truncated or (len(reply.answer) + len(reply.authority)) * SHORTEST_RECORD > limit:
        reply = _bare(reply)
    data = _render(query, reply, options)
    if len(data) > limit and reply.additional:
        reply = reply._replace(additional=())
        data = _render(query, reply, options)
    if len(data) > limit and not reply.truncated:
        reply = _bare(reply)
        data = _render(query, reply, options)
    if padding_block and query.edns and any(c == OPTION_PADDING for c, _ in query.edns.options):
        short = min(-(len(data) + 4) % padding_block, limit - len(data) - 4)
        if short >= 0:
            return _render(query, reply, (*options, (OPTION_PADDING, bytes(short))))
    return data


def _bare(reply: Reply) -> Reply:
    """Give what always fits (RFC 2181 section 9)."""
    return Reply(reply.rcode, error=reply.error, truncated=True)


def _render(query: Query, reply: Reply, options: Options) -> bytes:
    id_, opcode, recursion_desired, checking_disabled, wants_ad, question, wire, edns, _ = query
    rcode, answer, authority, additional, authentic_data, error, _, _, _, truncated = reply
    opt, dnssec_ok = b"", False
    if edns is not None:
        dnssec_ok = edns.dnssec_ok
        if error is not None:
            options = (error_option(error), *options)
        opt = write_opt(rcode, options, dnssec_ok=dnssec_ok)
    flags = (
        QR
        | opcode << OPCODE_SHIFT
        | TC * truncated
        | RD * recursion_desired
        | RA
        | AD * (authentic_data and (wants_ad or dnssec_ok))  # RFC 6840 sections 5.7 and 5.8
        | CD * checking_disabled
        | rcode & RCODE
    )
    asked, extra = question is not None, len(additional) + (edns is not None)
    header = HEADER.pack(id_, flags, asked, len(answer), len(authority), extra)
    if question is not None and not (authority or additional):
        records = _owned_by_the_question(question.name, answer)
        if records is not None:
            return b"".join((header, wire, records, opt))
    message = bytearray(header + wire)
    targets = {} if question is None else question_targets(question.name)
    for record in answer + authority:
        write_record(message, record, targets)
    message += opt
    for record in additional:
        write_record(message, record, targets)
    return bytes(message)


def _owned_by_the_question(name: Name, records: tuple[Record, ...]) -> bytes | None:
    """Write records of the question's name that hold no names; None: not all are such."""
    parts: list[bytes] = []
    for owner, kind, klass, ttl, data in records:
        if owner != name or kind in COMPRESSED_WHEN_WRITTEN or owner == b"\0":
            return None
        parts += POINTED_RECORD.pack(QUESTION_NAME, kind, klass, ttl, len(data)), data
    return b"".join(parts)


def parse_reply(data: bytes) -> UpstreamReply | None:
    """Read a reply whole, or None; whether it fits what was asked is for others to judge."""
    if len(data) < HEADER_LENGTH or not data[2] & QR_OCTET:
        return None
    try:
        return _read_reply(data)
    except UNREADABLE:
        return None


def _read_reply(data: bytes) -> UpstreamReply:
    id_, flags, questions, answers, authorities, additional = HEADER.unpack_from(data)
    known: Known = {}
    question, wire, at = None, b"", HEADER_LENGTH
    if questions == 1:
        stop = end_of_labels(data, HEADER_LENGTH)
        if data[stop]:  # a pointer, before which there is nothing to point to
            raise MalformedError
        name = data[HEADER_LENGTH : stop + 1]
        known[HEADER_LENGTH] = lower = name.lower()
        kind, klass = TYPE_AND_CLASS.unpack_from(data, stop + 1)
        question = _new(Question, (lower, kind, klass))
        at = stop + 5
        wire = data[HEADER_LENGTH:at]
        if name != lower:  # our own mixed case (0x20), which records that point here must not show
            data = b"".join((data[:HEADER_LENGTH], lower, data[stop + 1 :]))
    elif questions:
        raise MalformedError
    asked = None if question is None else question.name
    answer, at = _read_records(data, at, answers, known, asked)
    authority: tuple[Record, ...] = ()
    if authorities:
        authority, at = _read_records(data, at, authorities, known, asked)
    rcode, error = flags & RCODE, None
    if additional and not (additional == 1 and says_no_more(data, at)):
        opt = _find_opt(data, at, additional, known)
        if opt is not None:
            rcode |= opt.rcode_high << 4
            error = first_error(opt.edns.options)
    fields = (
        id_, (flags & OPCODE) >> OPCODE_SHIFT, rcode, flags & TC != 0, flags & AD != 0,
        question, wire, answer, authority, error,
    )  # fmt: skip
    return _new(UpstreamReply, fields)


def _read_records(
    data: bytes, at: int, count: int, known: Known, asked: Name | None
) -> tuple[tuple[Record, ...], int]:
    """Give the records of a section, and where it ends; `asked` is the name of the question."""
    records, size = [], len(data)
    for _ in range(count):
        if data[at] == _POINTER_OCTET and data[at + 1] == _NAME_OCTET and asked is not None:
            owner: bytes = asked
            at += 2
        else:
            name, at = read_name(data, at, known)
            owner = name.lower()
        kind, klass, ttl, length = RECORD_FIELDS.unpack_from(data, at)
        begin = at + RECORD_FIELDS.size
        at = begin + length
        if at > size or kind == OPT:
            raise MalformedError
        if kind in HOLD_NAMES:
            content = read_data(kind, klass, data, begin, at, known)
        elif klass == CLASS_IN and FIXED_LENGTHS.get(kind, length) != length:
            raise MalformedError
        else:
            content = data[begin:at]
        records.append(_new(Record, (owner, kind, klass, ttl, content)))
    return tuple(records), at


def _find_opt(data: bytes, at: int, count: int, known: Known) -> Opt | None:
    """Read the additional section, of which nothing but the OPT record matters to us."""
    found = None
    for _ in range(count):
        opt = read_opt(data, at)
        if opt is not None:
            if found is not None:
                raise MalformedError
            found, at = opt, opt.end
            continue
        _, at = read_name(data, at, known)
        kind, klass, _, begin, at = read_fields(data, at)
        if kind == OPT:  # not the root's
            raise MalformedError
        read_data(kind, klass, data, begin, at, known)
    return found
