"""Which well-formed queries are refused by their form, and with which response code."""

from typing import Final

from smartdns.answering.numbers import (
    ANY,
    AXFR,
    BADCOOKIE,
    BADVERS,
    CLASS_ANY,
    CLASS_IN,
    FIRST_META_TYPE,
    FORMERR,
    IXFR,
    MAILA,
    MAILB,
    NOERROR,
    NOTAUTH,
    NOTIMP,
    OPCODE_QUERY,
    OPT,
    REFUSED,
    TSIG,
    TSIG_BADKEY,
)
from smartdns.answering.plan import Record, Reply
from smartdns.answering.query import Query, Question, Signature
from smartdns.answering.rules.cookies import Cookie

_TRANSFERS: Final = frozenset({AXFR, IXFR})
_MAIL: Final = frozenset({MAILA, MAILB})


def acceptable_question(query: Query, cookie: Cookie | None) -> Question | Reply:
    """Give the question of a query that may be answered, else the reply that refuses it."""
    if query.edns is not None and query.edns.version > 0:
        return Reply(BADVERS)  # RFC 6891 section 6.1.3
    if query.opcode != OPCODE_QUERY:
        return Reply(NOTIMP)
    if query.edns is not None and not query.edns.well_formed:
        return Reply(FORMERR)
    if query.signature is not None:
        return _unknown_key(query.signature, query.id)
    question = query.question
    if question is None:  # RFC 7873 section 5.4: it asks for a cookie, or whether its own is good
        return Reply(BADCOOKIE if cookie is not None and cookie.wrong else NOERROR)
    if question.klass != CLASS_IN or question.type in _TRANSFERS:
        return Reply(REFUSED)
    if not query.recursion_desired:
        return Reply(REFUSED)  # else it would show what others asked for
    if question.type in _MAIL:
        return Reply(NOTIMP)
    if question.type == OPT or FIRST_META_TYPE <= question.type < ANY:
        return Reply(FORMERR)  # no data can have such a type (RFC 6895 section 3.1)
    return question


def _unknown_key(signature: Signature, id_: int) -> Reply:
    """We share no key with anybody (RFC 8945 section 5.2.1)."""
    data = (
        signature.algorithm
        + signature.time_signed
        + (300).to_bytes(2)  # fudge
        + (0).to_bytes(2)  # no MAC
        + id_.to_bytes(2)
        + TSIG_BADKEY.to_bytes(2)
        + (0).to_bytes(2)
    )
    return Reply(NOTAUTH, additional=(Record(signature.key_name, TSIG, CLASS_ANY, 0, data),))
