"""Replies that stand for many queries: all that differ in no more than ID, name's case and cookie.

| flags, counts | question, lower case | records | OPT, last if there is one |
after the ID      <- the asker's case    <- TTLs   <- the asker's cookie
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from smartdns.answering.numbers import OPT, OPTION_COOKIE
from smartdns.resolver.common_query import CommonQuery
from smartdns.resolver.memo import Remembered
from smartdns.wire.names import end_of_labels
from smartdns.wire.records import RECORD_FIELDS

_QUESTION_AT: Final = 10
_FOR_EVER: Final = 1 << 62


Ttls = tuple[tuple[int, int], ...]


@dataclass(slots=True, repr=False)
class Template:
    """A reply after its ID to a canonical query."""

    body: bytes
    ttls: Ttls
    """Offset in `body` of each TTL that counts down, and the second in which it is 0."""
    until: int
    """From this second of the monotonic clock on the decision is asked again."""
    opt_at: int
    """Offset of the OPT record's length of data; 0 without one."""

    def remembered(self) -> Remembered:
        """Give what answers the canonical query itself."""
        return Remembered(self.body, self.ttls, self.until)

    def body_for(
        self, query: CommonQuery, cookie: bytes, second: int | None = None
    ) -> bytes | None:
        """Give the body for one of its queries, with `cookie` where it asked for one.

        TTLs as of `second`; without, as they were. None where the cookie would make it too long.
        """
        body = bytearray(self.body)
        body[_QUESTION_AT : _QUESTION_AT + len(query.question)] = query.question
        if second is not None:
            for offset, zero in self.ttls:
                body[offset : offset + 4] = (zero - second).to_bytes(4)
        if query.cookie:
            if not self.opt_at or len(body) + len(cookie) + 6 > query.limit:
                return None
            append_cookie(body, self.opt_at, cookie)
        return bytes(body)


def append_cookie(body: bytearray, opt_at: int, cookie: bytes) -> None:
    """Put a COOKIE option behind the others of the OPT record, with which `body` ends."""
    length = int.from_bytes(body[opt_at : opt_at + 2]) + 4 + len(cookie)
    body[opt_at : opt_at + 2] = length.to_bytes(2)
    body += OPTION_COOKIE.to_bytes(2) + len(cookie).to_bytes(2) + cookie


def make_template(octets: bytes, valid_until: float, *, constant: bool, second: int) -> Template:
    """Make a template of a whole reply of ours to a canonical query, rendered in `second`."""
    ttls, opt_at = [], 0
    for kind, fields_at in _records(octets):
        if kind == OPT:
            opt_at = fields_at + 8
        elif not constant:
            ttls.append((fields_at + 4, int.from_bytes(octets[fields_at + 4 : fields_at + 8])))
    until = min(_FOR_EVER, valid_until, *(second + ttl for _, ttl in ttls))
    return Template(
        octets[2:],
        tuple((offset - 2, second + ttl) for offset, ttl in ttls),
        int(until),
        opt_at - 2 if opt_at else 0,
    )


def _records(octets: bytes) -> Iterator[tuple[int, int]]:
    """Give type and offset of the fixed fields of each record in a reply that we rendered."""
    count = sum(int.from_bytes(octets[at : at + 2]) for at in (6, 8, 10))
    offset = _after_name(octets, 12) + 4
    for _ in range(count):
        fields_at = _after_name(octets, offset)
        kind, _klass, _ttl, length = RECORD_FIELDS.unpack_from(octets, fields_at)
        yield kind, fields_at
        offset = fields_at + 10 + length


def _after_name(octets: bytes, offset: int) -> int:
    stop = end_of_labels(octets, offset)
    return stop + (2 if octets[stop] else 1)
