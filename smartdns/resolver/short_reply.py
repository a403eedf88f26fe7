"""Replies that are the question and a code, made by hand: REFUSED for strangers, TC beyond a rate.

A flood is made of the queries these answer, so none of it may cost more than sending it back.
"""

from typing import Final

from smartdns.answering.codes import NOERROR, OPTION_ERROR, REFUSED
from smartdns.resolver.common_query import CommonQuery
from smartdns.resolver.template import append_cookie

_RD, _CD, _QR, _TC, _RA = 0x01, 0x10, 0x80, 0x02, 0x80
_ONE_QUESTION: Final = b"\0\1\0\0\0\0\0\0"
_ONE_QUESTION_AND_OPT: Final = b"\0\1\0\0\0\0\0\1"
_OPT_HEAD: Final = b"\0\0\x29\x04\xd0"
"""The root, type 41, payload size 1232."""


def _flags(second: int, rcode: int) -> tuple[bytes, ...]:
    """Give the flags of the reply for each third and fourth octet of a query, as 512 of them."""
    return tuple(bytes((second | (n >> 8), _RA | (n & _CD) | rcode)) for n in range(512))


REFUSED_FLAGS: Final = _flags(_QR, REFUSED)
SLIP_FLAGS: Final = _flags(_QR | _TC, NOERROR)
"""By `flags_index` of the query."""


def flags_index(data: bytes) -> int:
    """Give the index of a query's reply's flags: RD and CD are what counts."""
    return (data[2] & _RD) << 8 | data[3]


def refusal_flags(key: bytes) -> bytes | None:
    """Give the flags that make a query without EDNS its own refusal; None: look closer.

    `key` is the query after its ID: one question, whose end is the end.
    """
    if key[2:10] != _ONE_QUESTION or key[0] & 0xF8:
        return None
    at = 10
    try:
        while label := key[at]:
            if label > 63:
                return None
            at += label + 1
    except IndexError:
        return None
    return REFUSED_FLAGS[(key[0] & _RD) << 8 | key[1]] if at + 5 == len(key) else None


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
        head + _ONE_QUESTION_AND_OPT + query.question + _OPT_HEAD + flag_octets + length + options
    )
    if cookie:
        append_cookie(body, len(body) - len(options) - 2, cookie)
    return bytes(body)


def _error_option(code: int) -> bytes:
    return OPTION_ERROR.to_bytes(2) + (2).to_bytes(2) + code.to_bytes(2)
