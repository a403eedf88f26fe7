"""DNAME (RFC 6672): the aliases that it stands for, spelled out where an upstream does not.

Servers add the CNAME that a DNAME makes for the name in question, for the sake of whoever knows
no DNAME. One that leaves it out, or adds another, is taken at its DNAME's word, as BIND and
unbound do.
"""

from smartdns.answering.names import below, parent
from smartdns.answering.numbers import CNAME, DNAME, NOERROR, NXDOMAIN, YXDOMAIN
from smartdns.answering.plan import Record
from smartdns.answering.query import Name, Question
from smartdns.answering.sanitize import LONGEST_CHAIN
from smartdns.answering.upstream_reply import UpstreamReply

_LONGEST_NAME = 255


def synthesize_cnames(question: Question, reply: UpstreamReply) -> UpstreamReply:
    """Give `reply` with the CNAME of each DNAME that redirects on the way from the question.

    With YXDOMAIN where a redirected name has become too long (section 2.2).
    """
    redirects = {r.name: r for r in reply.answer if r.type == DNAME and r.klass == question.klass}
    if not redirects or reply.rcode not in {NOERROR, NXDOMAIN}:
        return reply
    aliases = {r.name: r for r in reply.answer if r.type == CNAME}
    made: dict[Name, Record] = {}
    name = question.name
    for _ in range(LONGEST_CHAIN):
        owner = below(parent(name), redirects)
        if owner is not None:
            alias = _alias(name, redirects[owner])
            if alias is None:
                return _with(reply, made)._replace(rcode=YXDOMAIN, authority=())
            made[name] = alias
        elif name in aliases:
            alias = aliases[name]
        else:
            break
        name = Name(alias.data.lower())
        if question.type == CNAME or name in made:
            break
    return _with(reply, made)


def _with(reply: UpstreamReply, made: dict[Name, Record]) -> UpstreamReply:
    """Put `made` in the place of whatever aliases their names had."""
    others = (r for r in reply.answer if r.type != CNAME or r.name not in made)
    return reply._replace(answer=(*others, *made.values()))


def _alias(name: Name, redirect: Record) -> Record | None:
    """Make the CNAME, of the DNAME's TTL (section 3.1); None: its target is no name any more."""
    target = name[: len(name) - len(redirect.name)] + redirect.data
    if len(target) > _LONGEST_NAME:
        return None
    return Record(name, CNAME, redirect.klass, redirect.ttl, target)
