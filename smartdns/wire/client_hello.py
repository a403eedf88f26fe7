"""The server name in a TLS ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3).

Octets come in as they arrive; `ClientHelloReader.feed` says *not yet*, *never*, or the name.
Nothing but lengths and the one extension is looked at, so unknown versions, GREASE, key shares
of any size and an encrypted inner ClientHello (whose outer name counts) are all the same to it.
"""

from smartdns.wire.host_name import NoName, Outcome, parse_host_name

MAX_HANDSHAKE = 65_536
"""Octets of a ClientHello with its 4-octet header; post-quantum ones take about 2,000."""
MAX_RECEIVED = 131_072
"""Octets with record headers, which may be as many again where records are tiny."""

_HANDSHAKE_RECORD = 22
_CLIENT_HELLO = 1
_SERVER_NAME = 0
_HOST_NAME = 0
_MAX_FRAGMENT = 16_384


class ClientHelloReader:
    """One connection's first octets; `received` is all of them, to be passed on unchanged."""

    __slots__ = ("_handshake", "_next_record", "received")

    def __init__(self) -> None:
        self.received = bytearray()
        self._handshake = bytearray()
        self._next_record = 0

    def feed(self, data: bytes) -> Outcome:
        """Take the next octets; each is looked at once, however they are cut."""
        received = self.received
        received += data
        while len(received) > (at := self._next_record):
            if received[at] != _HANDSHAKE_RECORD:
                return NoName.NEVER
            if len(received) < at + 5:
                break
            length = int.from_bytes(received[at + 3 : at + 5])
            if received[at + 1] != 3 or not 0 < length <= _MAX_FRAGMENT:
                return NoName.NEVER
            if len(received) < at + 5 + length:
                break
            self._next_record = at + 5 + length
            self._handshake += received[at + 5 : at + 5 + length]
            outcome = _read_handshake(self._handshake)
            if outcome is not NoName.NOT_YET:
                return outcome
        return NoName.NOT_YET if len(received) < MAX_RECEIVED else NoName.NEVER


def _read_handshake(handshake: bytearray) -> Outcome:
    if handshake[0] != _CLIENT_HELLO:
        return NoName.NEVER
    if len(handshake) < 4:
        return NoName.NOT_YET
    end = 4 + int.from_bytes(handshake[1:4])
    if end > MAX_HANDSHAKE:
        return NoName.NEVER
    if len(handshake) < end:
        return NoName.NOT_YET
    try:
        return _server_name(bytes(handshake[4:end]))
    except IndexError:  # a length that leads beyond the end
        return NoName.NEVER


def _server_name(body: bytes) -> Outcome:
    """Walk a whole ClientHello; IndexError where one of its lengths is wrong."""
    at = 34  # legacy_version and random
    at += 1 + body[at]  # legacy_session_id
    at += 2 + (body[at] << 8 | body[at + 1])  # cipher_suites
    at += 1 + body[at]  # legacy_compression_methods
    if at + 2 + (body[at] << 8 | body[at + 1]) != len(body):
        return NoName.NEVER
    at += 2
    found: bytes | None = None
    while at < len(body):
        length = body[at + 2] << 8 | body[at + 3]
        if body[at] == 0 == body[at + 1] == _SERVER_NAME:
            if found is not None:
                return NoName.NEVER
            found = body[at + 4 : at + 4 + length]
        at += 4 + length
    if at != len(body) or found is None:
        return NoName.NEVER
    return _only_host_name(found)


def _only_host_name(extension: bytes) -> Outcome:
    """Read a ServerNameList that holds one host_name and nothing else."""
    listed = len(extension) - 2
    if listed < 3 or listed != int.from_bytes(extension[:2]) or extension[2] != _HOST_NAME:
        return NoName.NEVER
    if listed - 3 != int.from_bytes(extension[3:5]):
        return NoName.NEVER
    name = parse_host_name(extension[5:])
    return NoName.NEVER if name is None else name
