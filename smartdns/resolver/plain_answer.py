"""Replies by hand to queries of the common form: 3 us, where dnslib takes 60.

ID, flags, counts | question as it was asked | records as they came | OPT, for who sent one

All but the records and what they change in the header is known when the query is; it is made while
the upstream thinks.
"""

from typing import NamedTuple

from smartdns.answering.numbers import AD, CD, QR_OCTET, RA, RD_OCTET
from smartdns.resolver.common_query import CommonQuery
from smartdns.resolver.short_reply import OPT_HEAD
from smartdns.resolver.template import append_cookie
from smartdns.wire.plain_reply import PlainReply


class BegunAnswer(NamedTuple):
    """What is known of a reply before its records are."""

    start: bytes
    """ID, and the first octet of the flags."""
    flags: int
    """The second, but for AD."""
    authentic: int
    """AD, for who knows what it means (RFC 6840 sections 5.7, 5.8)."""
    question: bytes
    """With the counts before it, from NSCOUNT on."""
    opt: bytes
    limit: int
    """Octets of the whole."""

    def __repr__(self) -> str:
        """Show nothing of what was asked."""
        return "BegunAnswer"


def begin_answer(data: bytes, query: CommonQuery, cookie: bytes) -> BegunAnswer:
    """Begin the reply to who sent `data`; `cookie` goes into it where one was sent."""
    opt = bytearray()
    if query.edns:
        opt += OPT_HEAD + bytes((0, 0, query.dnssec_ok << 7, 0, 0, 0))
        if cookie:
            append_cookie(opt, len(opt) - 2, cookie)
    return BegunAnswer(
        data[:2] + bytes((QR_OCTET | data[2] & RD_OCTET,)),
        RA | data[3] & CD,
        AD if query.dnssec_ok or data[3] & AD else 0,
        bytes((0, 0, 0, query.edns)) + query.question,
        bytes(opt),
        query.limit,
    )


def plain_answer(begun: BegunAnswer, plain: PlainReply) -> bytes | None:
    """Give what `render_reply` does of `plain`; None where it is too long.

    The records' names point to the question's, which is where it was.
    """
    start, flags, authentic, question, opt, limit = begun
    if plain.authentic_data:
        flags |= authentic
    counts = bytes((flags, 0, 1, 0, len(plain.datas)))
    reply = b"".join((start, counts, question, plain.section, opt))
    return reply if len(reply) <= limit else None
