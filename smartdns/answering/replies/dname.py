"""DNAME (RFC 6672): synthesized CNAME records, where an upstream left them out.

Servers add the CNAME that a DNAME makes for the name in question, for clients that know no DNAME.
Where an upstream leaves it out, or adds another one, the DNAME decides, as in BIND and unbound.
"""

from smartdns.answering.names import below, parent
from smartdns.answering.numbers import CNAME, DNAME, LONGEST_NAME, NOERROR, NXDOMAIN, YXDOMAIN
from smartdns.answering.plan import Record
from smartdns.answering.query import Name, Question
from smartdns.answering.replies.sanitize import LONGEST_CHAIN
from smartdns.answering.replies.upstream_reply import UpstreamReply


def synthesize_cnames(question: Question, reply: UpstreamReply) -> UpstreamReply:
    """Give `reply` with the CNAME of each DNAME that redirects a name of the question's chain.

    Its code is YXDOMAIN where a redirected name is too long (section 2.2).
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
    """Put `made` in the place of all aliases that their names had."""
    others = (r for r in reply.answer if r.type != CNAME or r.name not in made)
    return reply._replace(answer=(*others, *made.values()))


def _alias(name: Name, redirect: Record) -> Record | None:
    """Make the CNAME, with the TTL of the DNAME (section 3.1); None: its target is too long."""
    target = name[: len(name) - len(redirect.name)] + redirect.data
    if len(target) > LONGEST_NAME:
        return None
    return Record(name, CNAME, redirect.klass, redirect.ttl, target)
