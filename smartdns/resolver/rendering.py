"""A reply as it is sent: its octets, and how long they may be used again."""

from typing import Final

from smartdns.answering.numbers import (
    HEADER_LENGTH,
    OPCODE_OCTET,
    OPCODE_SHIFT,
    OPTION_KEEPALIVE,
    QR,
    QR_OCTET,
    RA,
    RCODE,
    RD,
    RD_OCTET,
    SERVFAIL,
)
from smartdns.answering.plan import Reply
from smartdns.answering.query import Query, Source
from smartdns.answering.rules.cookies import Cookie
from smartdns.wire.edns import BARE_OPT, error_option, write_opt
from smartdns.wire.queries import HEADER
from smartdns.wire.replies import render_reply, size_limit

_TLS_PADDING: Final = 468  # RFC 8467 section 4.1
STREAM_IDLE_S: Final = 10
"""Idle timeout of a stream, which its peer is told (RFC 7828, RFC 7766 section 6.2.3)."""
_KEEPALIVE: Final = (OPTION_KEEPALIVE, (STREAM_IDLE_S * 10).to_bytes(2, "big"))
FOR_EVER: Final = float("inf")


class Rendered:
    """A reply as it is sent. No dataclass: its constructor would not be compiled."""

    __slots__ = ("constant", "octets", "opt", "valid_until")

    def __init__(
        self,
        octets: bytes,
        valid_until: float = 0.0,
        *,
        constant: bool = True,
        opt: bytes = b"",
    ) -> None:
        self.octets = octets
        self.valid_until = valid_until
        """Until this second of the monotonic clock, the same query (octets after the ID) from a
        client with an equal profile gets this reply again, unless `Responder.generation` changes.
        0: never.
        """
        self.constant = constant
        """False: each TTL must be lowered by one each second."""
        self.opt = opt
        """Our OPT record for the reply to this question with a bare OPT record. Not empty: replies
        to this question in other case, with or without OPT, differ only in case and this record.
        Empty: the reply holds only for its own query.
        """


def render(query: Query, source: Source, reply: Reply, cookie: Cookie | None) -> Rendered:
    """Write `reply` in the size and form that its client and its transport can take."""
    options: tuple[tuple[int, bytes], ...] = () if cookie is None else (cookie.option,)
    if source.transport != "udp" and _asks_for_keepalive(query):
        options = (*options, _KEEPALIVE)
    octets = render_reply(
        query,
        reply,
        limit=size_limit(query, source.transport),
        options=options,
        padding_block=_TLS_PADDING if source.transport == "tls" else 0,
    )
    until = FOR_EVER if reply.constant else reply.valid_until
    if not until or not _may_be_repeated(query):
        return Rendered(octets)
    opt = _opt_in_any_form(query, reply)
    if not (opt or _is_in_lower_case(query)):
        return Rendered(octets)
    return Rendered(octets, until, constant=reply.constant, opt=opt)


def server_failure(data: bytes) -> Rendered | None:
    """Give SERVFAIL, a header only, when our own code failed; None: `data` is no query."""
    if len(data) < HEADER_LENGTH or data[2] & QR_OCTET:
        return None
    flags = QR_OCTET | data[2] & (OPCODE_OCTET | RD_OCTET), RA | SERVFAIL
    return Rendered(data[:2] + bytes(flags) + bytes(HEADER_LENGTH - 4))


def failure_to(query: Query) -> Rendered:
    """Give SERVFAIL to a well-formed query when our own code failed."""
    flags = QR | query.opcode << OPCODE_SHIFT | RD * query.recursion_desired | RA | SERVFAIL
    return Rendered(HEADER.pack(query.id, flags, 0, 0, 0, 0))


def _asks_for_keepalive(query: Query) -> bool:
    return query.edns is not None and any(
        code == OPTION_KEEPALIVE for code, _ in query.edns.options
    )


def _may_be_repeated(query: Query) -> bool:
    """Say whether other clients may get the same reply, and will ask the same in some form.

    False when the query has something of its sender: a cookie, a client subnet, a key.
    """
    return query.signature is None and (query.edns is None or not query.edns.options)


def _is_in_lower_case(query: Query) -> bool:
    """Say whether the name has no random case (0x20), which no other query will have."""
    return query.question is not None and query.question_wire.startswith(query.question.name)


def _opt_in_any_form(query: Query, reply: Reply) -> bytes:
    """Give the value for `Rendered.opt`; empty if the reply depends on more than the question."""
    with_dnssec = query.edns is not None and query.edns.dnssec_ok
    if with_dnssec or reply.rcode > RCODE or reply.truncated or reply.additional:
        return b""
    if reply.error is None:
        return BARE_OPT[False]
    return write_opt(reply.rcode, (error_option(reply.error),), dnssec_ok=False)
