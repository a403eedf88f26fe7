"""Chains of aliases that an upstream left unfinished: where to ask on, and how to join the parts.

A full resolver gives a complete chain. A server that knows only some zones stops at the first alias
that leads out of them.
"""

from collections.abc import Iterable

from smartdns.answering.names import below
from smartdns.answering.numbers import ANY, CNAME, NOERROR, NSEC, NSEC3, SOA
from smartdns.answering.plan import Record
from smartdns.answering.query import Name, Question
from smartdns.answering.replies.sanitize import LONGEST_CHAIN, set_of
from smartdns.answering.replies.upstream_reply import UpstreamReply


def unfinished_at(question: Question, reply: UpstreamReply) -> Name | None:
    """Give the name at which a chain ends without having or denying what was asked; None: none.

    None as well for a chain that is too long or comes back to itself: `sanitize` refuses those.
    """
    aliases = {r.name: Name(r.data.lower()) for r in reply.answer if r.type == CNAME}
    if not aliases or reply.rcode != NOERROR or question.type in {CNAME, ANY}:
        return None
    name = question.name
    for _ in range(LONGEST_CHAIN):
        if name not in aliases:
            break
        name = aliases[name]
    found = any(r.name == name and r.type == question.type for r in reply.answer)
    if found or name == question.name or name in aliases or _is_denied(name, reply.authority):
        return None
    return name


def joined(begun: UpstreamReply, rest: UpstreamReply) -> UpstreamReply:
    """Give the reply that a full resolver would have given at once; it is as good as both are.

    Of the first part's authority only what proves its aliases is left: the rest is about another
    name.
    """
    proofs = (r for r in begun.authority if set_of(r) in {NSEC, NSEC3})
    return rest._replace(
        question=begun.question,
        question_wire=begun.question_wire,
        authentic_data=begun.authentic_data and rest.authentic_data,
        answer=begun.answer + rest.answer,
        authority=(*proofs, *rest.authority),
    )


def _is_denied(name: Name, authority: Iterable[Record]) -> bool:
    """Say whether a SOA comes along of a zone that the name can be in: it has nothing, then."""
    zones = {record.name for record in authority if record.type == SOA}
    return b"\0" in zones or below(name, zones) is not None
