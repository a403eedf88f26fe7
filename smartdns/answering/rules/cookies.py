"""DNS cookies: a client that returns our server cookie has proven its address (RFC 7873).

Server cookies are made as in RFC 9018, so every worker and every machine with the same secret
recognises them: version 1, three reserved octets, the time, and SipHash-2-4 over all of it.
"""

from dataclasses import dataclass
from typing import Final

from smartdns.answering.numbers import OPTION_COOKIE
from smartdns.answering.query import Query

CLIENT_COOKIE_LENGTH: Final = 8
_VERSION: Final = b"\x01\0\0\0"
_OLDEST_S: Final = 3600  # RFC 9018 section 4.3
_NEWEST_S: Final = 300
_RENEWED_AFTER_S: Final = 1800
_MASK: Final = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True, slots=True, repr=False)
class Cookie:
    """The result of checking a query's COOKIE option."""

    option: tuple[int, bytes]
    """The option for the reply."""
    valid: bool
    """The server cookie is ours and at most an hour old: the address is proven."""
    wrong: bool
    """The query has a server cookie that is not ours."""


def check_cookie(query: Query, address: bytes, secret: bytes, wall_s: int) -> Cookie | None:
    """Judge the first COOKIE option of a query from `address` (4 or 16 octets); None without one.

    None as well where an option has a form that is ruled out.

    `secret` has 16 octets; `wall_s` is Unix time, of which 32 bits count.
    """
    edns = query.edns
    options = edns.options if edns is not None and edns.well_formed else ()
    for code, data in options:
        if code == OPTION_COOKIE:
            return judge_cookie(data, address, secret, wall_s)
    return None


def judge_cookie(data: bytes, address: bytes, secret: bytes, wall_s: int) -> Cookie:
    """Judge the data of a COOKIE option, as `check_cookie` does."""
    client, server = data[:CLIENT_COOKIE_LENGTH], data[CLIENT_COOKIE_LENGTH:]
    age = _age(server, wall_s)
    valid = age is not None and server == _server_cookie(client, server[:8], address, secret)
    if not valid or age is None or age > _RENEWED_AFTER_S:
        head = _VERSION + (wall_s & 0xFFFF_FFFF).to_bytes(4)
        fresh = _server_cookie(client, head, address, secret)
    else:
        fresh = server
    return Cookie((OPTION_COOKIE, client + fresh), valid, bool(server) and not valid)


def _age(server: bytes, wall_s: int) -> int | None:
    """Give the age in seconds of a cookie that may still be good; None: not one of ours."""
    if len(server) != 16 or server[0] != _VERSION[0]:
        return None
    age = (wall_s - int.from_bytes(server[4:8])) & 0xFFFF_FFFF  # serial arithmetic (RFC 1982)
    age = age - 0x1_0000_0000 if age >> 31 else age
    return age if -_NEWEST_S <= age <= _OLDEST_S else None


def _server_cookie(client: bytes, head: bytes, address: bytes, secret: bytes) -> bytes:
    """Sign `head`: version, reserved octets as they came, and time."""
    return head + siphash_2_4(secret, client + head + address)


def siphash_2_4(key: bytes, message: bytes) -> bytes:
    """SipHash-2-4 with a key of 16 octets (Aumasson and Bernstein, 2012); 8 octets."""
    key0, key1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    state = (
        key0 ^ 0x736F6D6570736575,
        key1 ^ 0x646F72616E646F6D,
        key0 ^ 0x6C7967656E657261,
        key1 ^ 0x7465646279746573,
    )
    padded = message + bytes(-(len(message) + 1) % 8) + bytes((len(message) & 0xFF,))
    for offset in range(0, len(padded), 8):
        word = int.from_bytes(padded[offset : offset + 8], "little")
        a, b, c, d = state
        a, b, c, d = _rounds(2, a, b, c, d ^ word)
        state = a ^ word, b, c, d
    a, b, c, d = state
    a, b, c, d = _rounds(4, a, b, c ^ 0xFF, d)
    return (a ^ b ^ c ^ d).to_bytes(8, "little")


def _rounds(count: int, a: int, b: int, c: int, d: int) -> tuple[int, int, int, int]:
    for _ in range(count):
        a = (a + b) & _MASK
        b = ((b << 13 | b >> 51) & _MASK) ^ a
        a = (a << 32 | a >> 32) & _MASK
        c = (c + d) & _MASK
        d = ((d << 16 | d >> 48) & _MASK) ^ c
        a = (a + d) & _MASK
        d = ((d << 21 | d >> 43) & _MASK) ^ a
        c = (c + b) & _MASK
        b = ((b << 17 | b >> 47) & _MASK) ^ c
        c = (c << 32 | c >> 32) & _MASK
    return a, b, c, d
