"""DNS messages: octets <-> values, strict and total, round dnslib.

Nothing that arrives here raises: what cannot be read is a `Malformed` or None. dnslib reads and
writes header and OPT and holds the octets; names go through our own reading and writing, because
it refuses labels that are not UTF-8, takes the label types 01 and 10 for lengths and lets a
compression pointer overflow; record data stays octets, because it drops what a known type does
not explain and refuses data of no length.
"""

import struct
from typing import NamedTuple

from dnslib import DNSHeader, EDNSOption
from dnslib.dns import RR
from dnslib.label import DNSBuffer

from smartdns.answering.numbers import (
    FORMERR,
    OPCODE_QUERY,
    OPT,
    OPTION_COOKIE,
    OPTION_ERROR,
    OPTION_PADDING,
)
from smartdns.answering.plan import ExtendedError, Record, Reply
from smartdns.answering.query import Edns, Query, Question, Transport
from smartdns.answering.upstream_reply import UpstreamReply
from smartdns.wire.octets import RECORD_FIELDS, MalformedError, Tails
from smartdns.wire.rdata import split_names
from smartdns.wire.sections import first_error, read_extras, read_question, read_section

HEADER_LENGTH = 12
PAYLOAD_SIZE = 1232  # what no path fragments (DNS flag day 2020)
PAYLOAD_SIZE_WITHOUT_EDNS = 512
LARGEST_MESSAGE = 65_535
_SHORTEST_RECORD = 11  # the root's, without data
_LARGEST_POINTER = 0x3FFF
_QR, _TC, _RD, _RA, _AD, _CD = 0x8000, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
_DNSSEC_OK = 0x8000
_OPCODES_WITH_QUESTION = {OPCODE_QUERY, 4}  # and NOTIFY; in all others it means something else


class Malformed(NamedTuple):
    """What can be said of a query that cannot be read."""

    id: int
    opcode: int
    recursion_desired: bool

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "Malformed"


def size_limit(query: Query, transport: Transport) -> int:
    """Octets that a reply may have: over UDP what the sender takes, and what no path fragments."""
    if transport != "udp":
        return LARGEST_MESSAGE
    if query.edns is None:
        return PAYLOAD_SIZE_WITHOUT_EDNS
    return min(max(query.edns.payload_size, PAYLOAD_SIZE_WITHOUT_EDNS), PAYLOAD_SIZE)


def parse_query(data: bytes) -> Query | Malformed | None:
    """Read a query; None is one that gets no reply at all: no header, or itself a reply."""
    if len(data) < HEADER_LENGTH or data[2] & 0x80:
        return None
    header = DNSHeader.parse(_Octets(data))
    try:
        return _parse_query(data, header)
    except MalformedError:
        return Malformed(header.id, header.opcode, bool(header.rd))


def _parse_query(data: bytes, header: DNSHeader) -> Query:
    tails: Tails = {}
    question, wire, offset = read_question(data, header.q, tails)
    edns, signature = read_extras(data, offset, header.a + header.auth, header.ar, tails)
    if header.opcode not in _OPCODES_WITH_QUESTION:
        question, wire = None, b""
    if header.opcode == OPCODE_QUERY and question is None and not _may_lack_it(header, edns):
        raise MalformedError  # RFC 9619
    return Query(
        id=header.id,
        opcode=header.opcode,
        recursion_desired=bool(header.rd),
        checking_disabled=bool(header.cd),
        authentic_data=bool(header.ad),
        question=question,
        question_wire=wire,
        edns=edns,
        signature=signature,
    )


def _may_lack_it(header: DNSHeader, edns: Edns | None) -> bool:
    """Say whether this is the one query of no question (RFC 7873 section 5.4), or may be.

    What a version of EDNS that we do not know makes of it is not for us to judge (RFC 6891 6.1.3).
    """
    return (
        header.q == 0
        and edns is not None
        and (edns.version > 0 or any(code == OPTION_COOKIE for code, _ in edns.options))
    )


def render_formerr(error: Malformed) -> bytes:
    """Render FORMERR with nothing but a header."""
    flags = _QR | error.opcode << 11 | _RD * error.recursion_desired | _RA | FORMERR
    buffer = _Octets()
    DNSHeader(error.id, flags).pack(buffer)
    return bytes(buffer.data)


def render_reply(
    query: Query,
    reply: Reply,
    *,
    limit: int,
    options: tuple[tuple[int, bytes], ...] = (),
    padding_block: int = 0,
) -> bytes:
    """Render at most `limit` octets: in need without additional records, then as good as empty.

    `options` go into the OPT record, and that only where the query had one; `padding_block`
    rounds the size up with an option (RFC 7830) where the query had that option.
    """
    for cut in _cuts(reply, limit):
        data = _render(query, cut, options)
        if len(data) <= limit:
            break
    if padding_block and query.edns and any(c == OPTION_PADDING for c, _ in query.edns.options):
        short = min(-(len(data) + 4) % padding_block, limit - len(data) - 4)
        if short >= 0:
            return _render(query, cut, (*options, (OPTION_PADDING, bytes(short))))
    return data


def _cuts(reply: Reply, limit: int) -> tuple[Reply, ...]:
    """What may be sent, the best first; the last always fits (RFC 2181 section 9)."""
    bare = Reply(reply.rcode, error=reply.error, truncated=True)
    records = len(reply.answer) + len(reply.authority)
    if reply.truncated or records * _SHORTEST_RECORD > limit:
        return (bare,)
    if not reply.additional:
        return (reply, bare)
    without = Reply(
        reply.rcode,
        reply.answer,
        reply.authority,
        authentic_data=reply.authentic_data,
        error=reply.error,
    )
    return (reply, without, bare)


def _render(query: Query, reply: Reply, options: tuple[tuple[int, bytes], ...]) -> bytes:
    edns = query.edns
    wants_ad = query.authentic_data or (edns is not None and edns.dnssec_ok)  # RFC 6840 5.7, 5.8
    flags = (
        _QR
        | query.opcode << 11
        | _TC * reply.truncated
        | _RD * query.recursion_desired
        | _RA
        | _AD * (reply.authentic_data and wants_ad)
        | _CD * query.checking_disabled
        | reply.rcode & 0xF
    )
    buffer = _Octets()
    counts = (
        int(query.question is not None),
        len(reply.answer),
        len(reply.authority),
        len(reply.additional) + (edns is not None),
    )
    DNSHeader(query.id, flags, *counts).pack(buffer)
    if query.question is not None:
        buffer.remember(query.question.name, buffer.offset)
        buffer.append(query.question_wire)
    for record in reply.answer + reply.authority:
        _pack(buffer, record)
    if edns is not None:
        if reply.error is not None:
            options = ((OPTION_ERROR, _error_data(reply.error)), *options)
        _pack_opt(buffer, PAYLOAD_SIZE, options, reply.rcode, dnssec_ok=edns.dnssec_ok)
    for record in reply.additional:
        _pack(buffer, record)
    return bytes(buffer.data)


def _error_data(error: ExtendedError) -> bytes:
    return error.code.to_bytes(2) + error.text.encode()


def _pack(buffer: "_Octets", record: Record) -> None:
    buffer.write_name(record.name)
    fields = buffer.offset
    buffer.append(bytes(RECORD_FIELDS.size))
    start = buffer.offset
    split = split_names(record.type, record.data)
    if split is None:
        buffer.append(record.data)
    else:
        buffer.append(split[0])
        for name in split[1:-1]:
            buffer.write_name(name)
        buffer.append(split[-1])
    length = buffer.offset - start
    RECORD_FIELDS.pack_into(buffer.data, fields, record.type, record.klass, record.ttl, length)


def _pack_opt(
    buffer: "_Octets",
    payload_size: int,
    options: tuple[tuple[int, bytes], ...],
    rcode: int = 0,
    *,
    dnssec_ok: bool,
) -> None:
    ttl = (rcode >> 4) << 24 | _DNSSEC_OK * dnssec_ok
    RR(None, OPT, payload_size, ttl, [EDNSOption(c, d) for c, d in options]).pack(buffer)


def render_upstream_query(
    question: Question,
    *,
    id: int,  # noqa: A002 - the field's name in RFC 1035
    dnssec_ok: bool,
    checking_disabled: bool,
    name_case: bytes | None = None,
    payload_size: int | None = PAYLOAD_SIZE,
    padding_block: int = 0,
) -> bytes:
    """Render a question for an upstream; AD asks for AD in the reply (RFC 6840 section 5.7).

    `name_case` is the question's name with other case (0x20); without `payload_size` there is
    no OPT record, for upstreams that know none; `padding_block` as for a reply (RFC 8467).
    """
    buffer = _Octets()
    flags = _RD | _AD | _CD * checking_disabled
    DNSHeader(id, flags, 1, 0, 0, int(payload_size is not None)).pack(buffer)
    buffer.append(name_case or question.name)
    buffer.pack("!HH", question.type, question.klass)
    if payload_size is not None:
        options: tuple[tuple[int, bytes], ...] = ()
        if padding_block:
            short = -(buffer.offset + 11 + 4) % padding_block
            options = ((OPTION_PADDING, bytes(short)),)
        _pack_opt(buffer, payload_size, options, dnssec_ok=dnssec_ok)
    return bytes(buffer.data)


def parse_upstream_reply(data: bytes) -> UpstreamReply | None:
    """Read a reply whole, or None; whether it fits what was asked is for others to judge."""
    if len(data) < HEADER_LENGTH or not data[2] & 0x80:
        return None
    header = DNSHeader.parse(_Octets(data))
    if header.q > 1:
        return None
    try:
        return _parse_upstream_reply(data, header)
    except MalformedError:
        return None


def _parse_upstream_reply(data: bytes, header: DNSHeader) -> UpstreamReply:
    tails: Tails = {}
    question, wire, offset = read_question(data, header.q, tails)
    answer, _, offset = read_section(data, offset, header.a, tails)
    authority, _, offset = read_section(data, offset, header.auth, tails)
    _, opt, _ = read_section(data, offset, header.ar, tails, opt_allowed=True)
    return UpstreamReply(
        id=header.id,
        opcode=header.opcode,
        rcode=header.rcode | (0 if opt is None else opt.rcode_high << 4),
        truncated=bool(header.tc),
        authentic_data=bool(header.ad),
        question=question,
        question_wire=wire,
        answer=answer,
        authority=authority,
        error=None if opt is None else first_error(opt.edns.options),
    )


class _Octets(DNSBuffer):  # type: ignore[misc]  # dnslib has no types
    """dnslib's buffer, with names written so that no pointer leads past its 14 bits."""

    def __init__(self, data: bytes = b"", offset: int = 0) -> None:
        super().__init__(data)
        self.offset = offset

    def remember(self, name: bytes, offset: int) -> None:
        """Let later names end in a pointer into the one that lies at `offset`, in any case."""
        start = 0
        while size := name[start]:
            self.names.setdefault(name[start:], offset + start)
            start += 1 + size

    def write_name(self, name: bytes) -> None:
        """Write an uncompressed name, as a pointer from where one was written before."""
        start = 0
        while size := name[start]:
            rest = name[start:]
            if (target := self.names.get(rest)) is not None:
                self.append(struct.pack("!H", 0xC000 | target))
                return
            if self.offset <= _LARGEST_POINTER:
                self.names[rest] = self.offset
            self.append(rest[: 1 + size])
            start += 1 + size
        self.append(b"\0")
