"""What follows a message's header: the question, and records with OPT and TSIG among them."""

import struct
from dataclasses import dataclass

from smartdns.answering.numbers import OPT, OPTION_ERROR, TSIG
from smartdns.answering.plan import ExtendedError, Record
from smartdns.answering.query import Edns, Name, Question, Signature
from smartdns.wire.octets import MalformedError, Tails, read_name, read_pairs, read_record
from smartdns.wire.options import are_well_formed
from smartdns.wire.rdata import expand

HEADER_LENGTH = 12
LONGEST_ERROR_TEXT = 100
_DNSSEC_OK = 0x8000
_TYPE_AND_CLASS = struct.Struct("!HH")


@dataclass(frozen=True, slots=True, repr=False)
class Opt:
    """An OPT record (RFC 6891 section 6.1)."""

    edns: Edns
    rcode_high: int
    """The upper eight bits of the response code."""


def read_question(data: bytes, count: int, tails: Tails) -> tuple[Question | None, bytes, int]:
    """Give the question and its octets where there is just one, and where the section ends.

    There is nothing before a question that its name could be compressed with.
    """
    question, wire, offset = None, b"", HEADER_LENGTH
    for _ in range(count):
        name, end = read_name(data, offset, tails)
        if end + 4 > len(data) or (count == 1 and len(name) != end - offset):
            raise MalformedError
        question = Question(Name(name.lower()), *_TYPE_AND_CLASS.unpack_from(data, end))
        wire = data[offset : end + 4]
        offset = end + 4
    return (question, wire, offset) if count == 1 else (None, b"", offset)


def read_extras(
    data: bytes, offset: int, ordinary: int, additional: int, tails: Tails
) -> tuple[Edns | None, Signature | None]:
    """Walk the records of a query, of which only OPT and TSIG matter to us.

    `ordinary` of them are in the answer and authority sections, where neither may be.
    """
    edns, signature = None, None
    for number in range(ordinary + additional):
        if signature is not None:
            raise MalformedError  # TSIG comes last (RFC 8945 section 5.1)
        start = offset
        name, kind, klass, ttl, begin, offset = read_record(data, start, tails)
        if kind not in {OPT, TSIG}:
            expand(kind, klass, data, begin, offset, tails)
        elif number < ordinary:
            raise MalformedError
        elif kind == TSIG:
            signature = _signature(name, data, begin, offset)
        elif edns is None:
            edns = _opt(data[start], klass, ttl, data[begin:offset]).edns
        else:
            raise MalformedError
    return edns, signature


def read_section(
    data: bytes, offset: int, count: int, tails: Tails, *, opt_allowed: bool = False
) -> tuple[tuple[Record, ...], Opt | None, int]:
    """Read the records of one section; gives them, the OPT record apart, and where it ends."""
    records = []
    opt = None
    for _ in range(count):
        start = offset
        name, kind, klass, ttl, begin, offset = read_record(data, start, tails)
        if kind == OPT:
            if opt is not None or not opt_allowed:
                raise MalformedError
            opt = _opt(data[start], klass, ttl, data[begin:offset])
            continue
        content = expand(kind, klass, data, begin, offset, tails)
        records.append(Record(Name(name.lower()), kind, klass, ttl, content))
    return tuple(records), opt, offset


def first_error(options: tuple[tuple[int, bytes], ...]) -> ExtendedError | None:
    """Give the first Extended DNS Error among EDNS options, its text cut short."""
    for code, data in options:
        if code == OPTION_ERROR and len(data) >= 2:
            text = data[2:LONGEST_ERROR_TEXT].decode(errors="ignore")
            return ExtendedError(int.from_bytes(data[:2]), text)
    return None


def _opt(owner: int, klass: int, ttl: int, data: bytes) -> Opt:
    """Read what OPT packs into the fields of a record (RFC 6891 section 6.1.3)."""
    if owner != 0:  # its name is the root, in one octet
        raise MalformedError
    options = read_pairs(data)
    version, dnssec_ok = (ttl >> 16) & 0xFF, bool(ttl & _DNSSEC_OK)
    return Opt(Edns(klass, version, dnssec_ok, options, are_well_formed(options)), ttl >> 24)


def _signature(name: bytes, data: bytes, begin: int, end: int) -> Signature:
    """Read of a TSIG what a reply has to repeat (RFC 8945 section 4.2)."""
    algorithm, offset = read_name(data, begin, {})
    if offset + 16 > end:
        raise MalformedError
    return Signature(Name(name.lower()), algorithm, data[offset : offset + 6])
