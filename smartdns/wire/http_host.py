"""The host that an HTTP/1 request is for (RFC 9112), read once for the whole connection.

Whatever two readers could understand differently is refused rather than guessed at: two Host
fields, an absolute URI, folded lines, both Content-Length and Transfer-Encoding.
"""

import re

from smartdns.wire.host_name import NoName, Outcome, parse_host_name

MAX_HEAD = 16_384
"""Octets of the request line and the fields."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(%b) (/[\x21-\x7e\x80-\xff]*|\*) HTTP/1\.[01]" % _TOKEN)
_FIELD = re.compile(rb"(%b):([\t \x21-\x7e\x80-\xff]*)" % _TOKEN)
_PORT = re.compile(rb":[0-9]{0,5}$")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_REFUSED_METHODS = frozenset({b"CONNECT", b"TRACE"})
_SINGLE = frozenset({b"host", b"content-length", b"transfer-encoding"})


class HttpHostReader:
    """One connection's first octets; `received` is all of them, to be passed on unchanged."""

    __slots__ = ("_searched", "received")

    def __init__(self) -> None:
        self.received = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> Outcome:
        """Take the next octets; the head is parsed once, when it is whole."""
        received = self.received
        received += data
        if received and not 65 <= received[0] <= 90:  # no method in use starts otherwise
            return NoName.NEVER
        end = received.find(b"\r\n\r\n", self._searched, MAX_HEAD)
        if end >= 0:
            return _host(bytes(received[:end]))
        if len(received) >= MAX_HEAD or _BARE_LF.search(received, self._searched):
            return NoName.NEVER
        self._searched = max(0, len(received) - 3)
        return NoName.NOT_YET


def _host(head: bytes) -> Outcome:
    lines = head.split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(lines[0])
    if request is None or request[1] in _REFUSED_METHODS:
        return NoName.NEVER
    if request[2] == b"*" and request[1] != b"OPTIONS":
        return NoName.NEVER
    fields = _single_fields(lines[1:])
    if fields is None or (b"content-length" in fields and b"transfer-encoding" in fields):
        return NoName.NEVER
    if not fields.get(b"content-length", b"0").isdigit():
        return NoName.NEVER
    if fields.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
        return NoName.NEVER
    name = parse_host_name(_PORT.sub(b"", fields.get(b"host", b"")))
    return NoName.NEVER if name is None else name


def _single_fields(lines: list[bytes]) -> dict[bytes, bytes] | None:
    """Give the fields that may come once only; None where a line is wrong or one comes twice."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            return None
        name = field[1].lower()
        if name in _SINGLE:
            if name in fields:
                return None
            fields[name] = field[2].strip(b" \t")
    return fields
