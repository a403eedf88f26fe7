"""The part of an upstream's reply that is believed: the answer to the question, and no more."""

from collections.abc import Iterable, Mapping
from typing import Final

from smartdns.answering.memory.cache import Answer
from smartdns.answering.names import below, suffixes
from smartdns.answering.numbers import (
    ANY,
    CNAME,
    DNAME,
    DS,
    NOERROR,
    NS,
    NSEC,
    NSEC3,
    NXDOMAIN,
    RRSIG,
    SOA,
    YXDOMAIN,
)
from smartdns.answering.plan import Record
from smartdns.answering.query import Name, Question
from smartdns.answering.replies.upstream_reply import UpstreamReply

LONGEST_TTL: Final = 86_400
LONGEST_NEGATIVE_TTL: Final = 10_800  # RFC 2308 section 5
LONGEST_CHAIN: Final = 12
_BELIEVED: Final = frozenset({NOERROR, NXDOMAIN, YXDOMAIN})
_NEVER_ONE_SET: Final = frozenset({ANY, RRSIG})
"""Types that stand for RRsets of others."""
_new: Final = tuple.__new__
"""The constructor of a NamedTuple is Python's and takes three times as long."""


class _UnbelievableError(Exception):
    """The reply contradicts itself or would cost too much."""


def sanitize(question: Question, reply: UpstreamReply, *, dnssec_ok: bool) -> Answer | None:
    """Give the part of `reply` that answers `question`; None: there is none, which is a failure.

    The caller has made sure that the reply belongs to the question. The answer has the chain of
    aliases and the records at its end; the SOA of a negative answer (RFC 2308); and with
    `dnssec_ok` the signatures and denials that prove them.
    """
    if reply.rcode not in _BELIEVED or reply.truncated:
        return None
    if reply.rcode == NOERROR and not (dnssec_ok and reply.authority):
        answer = _one_set(question, reply)
        if answer is not None:
            return answer
    return _sanitize_any(question, reply, dnssec_ok=dnssec_ok)


def _one_set(question: Question, reply: UpstreamReply) -> Answer | None:
    """Take the form that most replies have, the RRset that was asked for; None: another form."""
    records = reply.answer
    name, kind, klass = question
    if not records or kind in _NEVER_ONE_SET:
        return None
    lowest = LONGEST_TTL
    for owner, its_kind, its_class, ttl, _ in records:
        if its_kind != kind or owner != name or its_class != klass:
            return None
        if ttl < lowest:
            lowest = ttl
        elif ttl >> 31:  # which means 0 (RFC 2181 section 8)
            lowest = 0
    if len(records) > 1 or records[0].ttl != lowest:
        once = dict.fromkeys([record.data for record in records])
        records = tuple([_new(Record, (name, kind, klass, lowest, data)) for data in once])
    fields = NOERROR, records, (), lowest, reply.authentic_data, reply.error, False
    return _new(Answer, fields)


def _sanitize_any(question: Question, reply: UpstreamReply, *, dnssec_ok: bool) -> Answer | None:
    try:
        chain, end, answered = _follow(question, reply.answer, dnssec_ok=dnssec_ok)
    except _UnbelievableError:
        return None
    proofs = _proofs(reply.authority) if dnssec_ok else []
    if answered:
        proofs = [r for r in proofs if not _signs(r, SOA)]
        return _answer(NOERROR, chain, proofs, reply)
    soa = _soa(end, reply.authority)
    if soa is None and any(r.type == NS for r in reply.authority):
        return None  # a referral (RFC 2308 section 2.2): it does not know, and sends us elsewhere
    if soa is None:  # not to be believed for any time (RFC 2308 section 5)
        return _answer(reply.rcode, chain, proofs, reply)._replace(ttl=0)
    ttl = min(_ttl(soa), _minimum(soa), LONGEST_NEGATIVE_TTL)
    authority = [Record(soa.name, SOA, soa.klass, ttl, soa.data), *proofs]
    # DS is asked of the parent, who need not know a zone that exists in this network alone.
    denies_name = reply.rcode == NXDOMAIN and not chain and question.type != DS
    return _answer(reply.rcode, chain, authority, reply, denies_name=denies_name)


def _follow(
    question: Question, records: Iterable[Record], *, dnssec_ok: bool
) -> tuple[list[Record], Name, bool]:
    """Walk from the question's name along CNAME and DNAME (RFC 6672) to what was asked for.

    Gives the records on the way, the name at its end, and whether that has what was asked for.
    """
    at: dict[Name, list[Record]] = {}
    redirected = False
    for record in records:
        if record.klass == question.klass:
            at.setdefault(record.name, []).append(record)
            redirected = redirected or record.type == DNAME
    chain: list[Record] = []
    visited: set[Name] = set()
    name = question.name
    while name not in visited and len(visited) <= LONGEST_CHAIN:
        visited.add(name)
        here = at.get(name, [])
        if redirected:
            chain += _redirects_above(name, at, dnssec_ok=dnssec_ok)
        if found := _wanted(question.type, here):
            return chain + _signed(found, here, dnssec_ok=dnssec_ok), name, True
        aliases = [r for r in here if r.type == CNAME]
        if not aliases:
            return chain, name, False
        if len(aliases) > 1 and len({r.data for r in aliases}) > 1:
            raise _UnbelievableError  # RFC 2181 section 10.1
        chain += _signed(aliases, here, dnssec_ok=dnssec_ok)
        name = aliases[0].data.lower()  # type: ignore[assignment]  # a name alone, uncompressed
    raise _UnbelievableError


def _wanted(kind: int, records: list[Record]) -> list[Record]:
    """Give the RRset of the type; for ANY one set of whatever there is (RFC 8482 section 4.1)."""
    if kind == ANY:
        kind = next((r.type for r in records if r.type != RRSIG), ANY)
    return [r for r in records if r.type == kind]


def _redirects_above(name: Name, at: dict[Name, list[Record]], *, dnssec_ok: bool) -> list[Record]:
    above = (ancestor for ancestor in suffixes(name) if ancestor != name and ancestor in at)
    found: list[Record] = []
    for ancestor in above:
        redirects = [r for r in at[ancestor] if r.type == DNAME]
        found += _signed(redirects, at[ancestor], dnssec_ok=dnssec_ok)
    return found


def _signed(found: list[Record], here: list[Record], *, dnssec_ok: bool) -> list[Record]:
    """Add the signatures over an RRset, where they are wanted."""
    if not dnssec_ok or not found or found[0].type == RRSIG:
        return found
    return found + [r for r in here if _signs(r, found[0].type)]


def _proofs(authority: Iterable[Record]) -> list[Record]:
    """Denials with their signatures, and the SOA's signatures (RFC 4035 section 3.1.3)."""
    return [r for r in authority if set_of(r) in {NSEC, NSEC3} or _signs(r, SOA)]


def _signs(record: Record, kind: int) -> bool:
    return record.type == RRSIG and set_of(record) == kind


def _soa(end: Name, authority: Iterable[Record]) -> Record | None:
    """Give the SOA of a zone that the name at the end of the chain can be in."""
    return next(
        (r for r in authority if r.type == SOA and (r.name == b"\0" or below(end, {r.name}))), None
    )


def _answer(
    rcode: int,
    answer: list[Record],
    authority: list[Record],
    reply: UpstreamReply,
    *,
    denies_name: bool = False,
) -> Answer:
    """Give every RRset the lowest TTL of its records, and each record once (RFC 2181 section 5)."""
    ttls: dict[tuple[Name, int], int] = {}
    for record in answer + authority:
        set_ = record.name, set_of(record)
        ttls[set_] = min(ttls.get(set_, LONGEST_TTL), _ttl(record))
    fields = (
        rcode, _once(answer, ttls), _once(authority, ttls), min(ttls.values(), default=0),
        reply.authentic_data, reply.error, denies_name,
    )  # fmt: skip
    return _new(Answer, fields)


def _once(records: list[Record], ttls: Mapping[tuple[Name, int], int]) -> tuple[Record, ...]:
    """Give each record once, with the TTL of its RRset."""
    once = {(r.name, r.type, r.data): r for r in records}
    return tuple(
        [
            _new(Record, (r.name, r.type, r.klass, ttls[r.name, set_of(r)], r.data))
            for r in once.values()
        ]
    )


def set_of(record: Record) -> int:
    """Give the type of the RRset that a record belongs to; a signature belongs to what it signs."""
    return int.from_bytes(record.data[:2]) if record.type == RRSIG else record.type


def _ttl(record: Record) -> int:
    """TTL as meant: with the highest bit set it is 0 (RFC 2181 section 8)."""
    return 0 if record.ttl >> 31 else record.ttl


def _minimum(soa: Record) -> int:
    return int.from_bytes(soa.data[-4:])
