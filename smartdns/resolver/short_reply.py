"""Replies that are the question and a code, made by hand: REFUSED for strangers, TC beyond a rate.

A flood is made of the queries these answer, so none of it may cost more than sending it back.
"""

from typing import Final

from smartdns.answering.numbers import (
    CD,
    EDE_NOT_READY,
    EDE_PROHIBITED,
    NOERROR,
    OPTION_ERROR,
    QR_OCTET,
    RA,
    RD_OCTET,
    REFUSED,
    TC_OCTET,
)
from smartdns.resolver.common_query import CommonQuery
from smartdns.resolver.mmsg import KEY_SIZE, DatagramBatch
from smartdns.resolver.template import append_cookie

_ONE_QUESTION: Final = b"\0\1\0\0\0\0\0\0"
_ONE_QUESTION_AND_OPT: Final = b"\0\1\0\0\0\0\0\1"
_COUNTS: Final = _ONE_QUESTION[:7]
OPT_HEAD: Final = b"\0\0\x29\x04\xd0"
"""The root, type 41, payload size 1232."""


def _flags(second: int, rcode: int) -> tuple[bytes, ...]:
    """Give the flags of the reply for each third and fourth octet of a query, as 512 of them."""
    return tuple(bytes((second | (n >> 8), RA | (n & CD) | rcode)) for n in range(512))


REFUSED_FLAGS: Final = _flags(QR_OCTET, REFUSED)
SLIP_FLAGS: Final = _flags(QR_OCTET | TC_OCTET, NOERROR)
"""By `flags_index` of the query."""


BARE_REFUSALS: Final = {
    bytes((second, third)) + _ONE_QUESTION: REFUSED_FLAGS[(second & RD_OCTET) << 8 | third]
    for second in range(8)
    for third in range(256)
}
"""Flags and counts of each query of one question and nothing else -> flags of its refusal."""


def flags_index(data: bytes) -> int:
    """Give the index of a query's reply's flags: RD and CD are what counts."""
    return (data[2] & RD_OCTET) << 8 | data[3]


def plain_end(key: bytes) -> int:
    """Give where the question of a query ends that has one and at most an OPT beside it, else 0.

    `key` is the query after its ID. What follows the question is for the caller to look at.
    """
    if len(key) < 10 or key[2:9] != _COUNTS or key[9] > 1 or key[0] & 0xF8:
        return 0
    at = 10
    try:
        while label := key[at]:
            if label > 63:
                return 0
            at += label + 1
    except IndexError:
        return 0
    return at + 5 if at + 5 <= len(key) else 0


def refusal_flags(key: bytes) -> bytes:
    """Give the flags of a refusal of the query `key`."""
    return REFUSED_FLAGS[(key[0] & RD_OCTET) << 8 | key[1]]


def refusal_with_opt(key: bytes, end: int, error: int) -> bytes | None:
    """Give a refusal after its ID, where nothing but an OPT without options follows `end`."""
    opt = key[end:]
    if len(opt) != 11 or opt[:3] != OPT_HEAD[:3] or opt[6] or opt[9:] != b"\0\0":
        return None
    flags = refusal_flags(key)
    return flags + _ONE_QUESTION_AND_OPT + key[10:end] + _REFUSED_OPT[opt[7] >> 7, error]


def short_reply(
    data: bytes, query: CommonQuery, flags: tuple[bytes, ...], error: int | None, cookie: bytes
) -> bytes:
    """Give a reply after its ID, with the extended error and the cookie where there is EDNS."""
    head = flags[flags_index(data)]
    if not query.edns:
        return head + _ONE_QUESTION + query.question
    options = b"" if error is None else _error_option(error)
    flag_octets = b"\0\0\x80\0" if query.dnssec_ok else b"\0\0\0\0"
    length = len(options).to_bytes(2)
    body = bytearray(
        head + _ONE_QUESTION_AND_OPT + query.question + OPT_HEAD + flag_octets + length + options
    )
    if cookie:
        append_cookie(body, len(body) - len(options) - 2, cookie)
    return bytes(body)


def answer_shortly(
    batch: DatagramBatch,
    i: int,
    data: bytes,
    query: CommonQuery,
    flags: tuple[bytes, ...],
    error: int | None,
    cookie: bytes,
) -> None:
    """Let slot `i` be answered with such a reply to `query`."""
    if not query.edns and len(data) <= KEY_SIZE:
        batch.answer_from_query(i, len(data), flags[flags_index(data)])
    else:
        batch.answer_from_scratch(i, short_reply(data, query, flags, error, cookie))


def _error_option(code: int) -> bytes:
    return OPTION_ERROR.to_bytes(2) + (2).to_bytes(2) + code.to_bytes(2)


_REFUSED_OPT: Final = {
    (dnssec_ok, error): OPT_HEAD + bytes((0, 0, dnssec_ok << 7, 0, 0, 6)) + _error_option(error)
    for dnssec_ok in (0, 1)
    for error in (EDE_NOT_READY, EDE_PROHIBITED)
}
