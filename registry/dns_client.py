"""Ask one name server one question, over UDP, TCP or TLS.

For look-ups and probes, where speed does not matter. The functions block, so their callers are
threads and commands. A response is accepted only from the server that was asked, with the query's
ID, opcode and question. The random ID and the kernel's random source port make a forged response
unlikely to match (RFC 5452 section 9).
"""

import contextlib
import secrets
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from dnslib import CLASS, EDNS0, QTYPE, RCODE, DNSHeader, DNSQuestion, DNSRecord, EDNSOption
from dnslib.bimap import BimapError
from dnslib.buffer import BufferError as OctetsError
from dnslib.dns import RR, DNSError
from dnslib.label import DNSBuffer, DNSLabel, DNSLabelError

from smartdns.contract.addresses import SocketAddress

PAYLOAD_SIZE = 1232
"""Octets of a datagram that no path fragments (DNS flag day 2020)."""
NOERROR, NXDOMAIN = int(RCODE.NOERROR), int(RCODE.NXDOMAIN)
_WITHOUT_QUESTION = {RCODE.FORMERR, RCODE.SERVFAIL, RCODE.NOTIMP, RCODE.REFUSED}
"""With these codes a server may leave the question out, because it did not read it."""
_UNREADABLE = (
    *(DNSError, OctetsError, BimapError, DNSLabelError),
    *(ValueError, TypeError, LookupError, struct.error),
)
"""What dnslib raises for a message that it cannot read."""


class BadResponseError(Exception):
    """The message that came over TCP or TLS cannot be read, or answers another query."""


@dataclass(frozen=True, slots=True, repr=False)
class DnsQuery:
    """One question; class IN, recursion desired."""

    name: str
    """ASCII, labels separated by dots, no escapes, with or without a dot at the end."""
    type: str = "A"
    """Mnemonic of the record type."""
    options: tuple[tuple[int, bytes], ...] = ()
    """EDNS options, each a code and its data; without any, the query has no EDNS."""


class DnsRecord(NamedTuple):
    """One record of the answer section."""

    owner: str
    """Lower-cased, without the last dot."""
    type: str
    data: str
    """In presentation format."""


@dataclass(frozen=True, slots=True, repr=False)
class DnsResponse:
    """A name server's response."""

    rcode: int
    """Response code with the upper bits from EDNS (RFC 6891 section 6.1.3)."""
    truncated: bool
    answers: tuple[DnsRecord, ...]
    """The answer section; empty if the response is truncated."""


def ask_udp(
    query: DnsQuery, server: SocketAddress, *, within_s: float, source: str = ""
) -> DnsResponse:
    """Ask over UDP from the address `source`, or any; datagrams that do not match are ignored.

    Raises OSError: TimeoutError after `within_s` seconds, ConnectionRefusedError if nobody
    listens, or another error of the socket.
    """
    message = _message(query)
    deadline = time.monotonic() + within_s
    with _connected(server, socket.SOCK_DGRAM, source, deadline) as asking:
        asking.send(message.pack())
        while True:
            asking.settimeout(_left(deadline))
            with contextlib.suppress(BadResponseError):
                return _response(asking.recv(65_535), message)


def ask_tcp(
    query: DnsQuery, server: SocketAddress, *, within_s: float, source: str = ""
) -> DnsResponse:
    """Ask over TCP (RFC 7766). Raises OSError as `ask_udp` does, and BadResponseError."""
    deadline = time.monotonic() + within_s
    with _connected(server, socket.SOCK_STREAM, source, deadline) as asking:
        return _ask_stream(query, asking, deadline)


def ask_tls(
    query: DnsQuery,
    server: SocketAddress,
    context: ssl.SSLContext,
    server_name: str,
    *,
    within_s: float,
    source: str = "",
) -> DnsResponse:
    """Ask over TLS (RFC 7858). Raises OSError as `ask_udp` does, and BadResponseError."""
    deadline = time.monotonic() + within_s
    with (
        _connected(server, socket.SOCK_STREAM, source, deadline) as connection,
        context.wrap_socket(connection, server_hostname=server_name) as asking,
    ):
        return _ask_stream(query, asking, deadline)


def _ask_stream(query: DnsQuery, asking: socket.socket, deadline: float) -> DnsResponse:
    message = _message(query)
    octets = message.pack()
    asking.sendall(struct.pack("!H", len(octets)) + octets)
    (length,) = struct.unpack("!H", _receive(asking, 2, deadline))
    return _response(_receive(asking, length, deadline), message)


def _receive(asking: socket.socket, length: int, deadline: float) -> bytes:
    received = b""
    while len(received) < length:
        asking.settimeout(_left(deadline))
        part = asking.recv(length - len(received))
        if not part:
            raise ConnectionResetError("the name server closed the connection")
        received += part
    return received


@contextlib.contextmanager
def _connected(
    server: SocketAddress, kind: socket.SocketKind, source: str, deadline: float
) -> Iterator[socket.socket]:
    """Connect, also for UDP: then the kernel drops datagrams from other senders."""
    family = socket.AF_INET if server.address.version == 4 else socket.AF_INET6
    with socket.socket(family, kind) as asking:
        asking.settimeout(_left(deadline))
        if source:
            asking.bind((source, 0))
        asking.connect((str(server.address), server.port))
        yield asking


def _left(deadline: float) -> float:
    """Seconds until the deadline; TimeoutError once it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the name server did not answer in time")
    return left


def _message(query: DnsQuery) -> Any:  # noqa: ANN401  # dnslib has no types
    # Give dnslib the labels as octets: it would convert a text by IDNA 2003.
    name = DNSLabel(query.name.removesuffix(".").encode("ascii").split(b"."))
    header = DNSHeader(id=secrets.randbits(16), rd=1)
    message = DNSRecord(header, q=DNSQuestion(name, getattr(QTYPE, query.type)))
    if query.options:
        options = [EDNSOption(code, data) for code, data in query.options]
        message.add_ar(EDNS0(udp_len=PAYLOAD_SIZE, opts=options))
    return message


def _response(octets: bytes, message: Any) -> DnsResponse:  # noqa: ANN401
    """Read the response to `message`, or raise BadResponseError."""
    try:
        return _read(DNSBuffer(octets), message)
    except _UNREADABLE:
        raise BadResponseError("a response cannot be read") from None


def _read(buffer: Any, message: Any) -> DnsResponse:  # noqa: ANN401
    header = DNSHeader.parse(buffer)
    questions = [DNSQuestion.parse(buffer) for _ in range(header.q)]
    if not _belongs(header, questions, message):
        raise BadResponseError("a response answers another query")
    if header.tc:
        return DnsResponse(header.rcode, truncated=True, answers=())
    answers = tuple(_answer(RR.parse(buffer)) for _ in range(header.a))
    others = [RR.parse(buffer) for _ in range(header.auth + header.ar)]
    upper_bits = next((other.edns_rcode for other in others if other.rtype == QTYPE.OPT), 0)
    return DnsResponse(header.rcode | upper_bits << 4, truncated=False, answers=answers)


def _belongs(header: Any, questions: list[Any], message: Any) -> bool:  # noqa: ANN401
    asked = message.header
    if not header.qr or header.id != asked.id or header.opcode != asked.opcode:
        return False
    if not questions and header.rcode in _WITHOUT_QUESTION:
        return True
    return [_question(each) for each in questions] == [_question(message.q)]


def _question(question: Any) -> tuple[object, ...]:  # noqa: ANN401
    labels = tuple(label.lower() for label in question.qname.label)
    return labels, question.qtype, question.qclass


def _answer(record: Any) -> DnsRecord:  # noqa: ANN401
    if record.rclass != CLASS.IN or record.rtype == QTYPE.OPT:
        raise BadResponseError("the answer section has a record that cannot be in it")
    owner = str(record.rname).lower().removesuffix(".")
    return DnsRecord(owner, QTYPE.get(record.rtype), record.rdata.toZone())
