"""Record data: names in it are expanded, lengths are held to, everything else is octets."""

import struct

import pytest

from smartdns.answering.names import name_of
from smartdns.wire.names import MalformedError
from smartdns.wire.records import read_data
from smartdns.wire.replies import parse_reply
from tests.smartdns.wire.malformed import header

WWW = b"\xc0\x0c"  # a pointer to the question's name
EXPANDED = name_of("www.example.com")
QUESTION = EXPANDED + b"\0\1\0\1"


def read(kind: int, data: bytes, klass: int = 1) -> bytes | None:
    """Give the data of the only answer of a reply, None if the reply cannot be read."""
    record = WWW + struct.pack("!HHIH", kind, klass, 60, len(data)) + data
    reply = parse_reply(header(0x8180, 1, 1) + QUESTION + record)
    return None if reply is None else reply.answer[0].data


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (2, b"", b""),
        (15, b"\0\x0a", b""),
        (33, b"\0\1\0\2\0\3", b""),
        (17, b"\1x\0", b""),
        (21, b"\0\1", b""),
        (35, b"\0\1\0\2\1u\3sip\0", b""),
        (39, b"", b""),
        (46, bytes(18), b"signature"),
        (47, b"", b"\0\1\2"),
        (64, b"\0\1", b"\0\1\0\3\2h2"),
        (65, b"\0\1", b""),
    ],
)
def test_a_compressed_name_is_expanded(kind: int, before: bytes, after: bytes) -> None:
    """Senders compress where they should not (RFC 3597 section 4); what we keep stands alone."""
    assert read(kind, before + WWW + after) == before + EXPANDED + after


@pytest.mark.parametrize("kind", [11, 16, 99, 257, 65_280])
def test_other_data_is_untouched(kind: int) -> None:
    """What looks like a pointer is none in a type without names; no data is data, too."""
    assert read(kind, b"\xc0\x0c\xc0\xff") == b"\xc0\x0c\xc0\xff"
    assert read(kind, b"") == b""


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (1, b"\1\2\3"),
        (1, b"\1\2\3\4\5"),
        (28, bytes(15)),
        (2, WWW + b"x"),
        (5, b""),
        (5, b"\3ww"),
        (6, WWW + WWW + bytes(19)),
        (6, WWW + bytes(20)),
        (15, b"\0"),
        (33, b"\0\1\0\2\0\3" + WWW + b"\0"),
        (35, b"\0\1\0\2\xff"),
        (35, b"\0\1\0\2\0\0"),
        (46, bytes(18)),
        (65, b"\0\1\3ww"),
    ],
)
def test_data_that_contradicts_its_length_spoils_the_reply(kind: int, data: bytes) -> None:
    """Nothing of such a reply is believed."""
    assert read(kind, data) is None


def test_addresses_of_other_classes_are_octets() -> None:
    """A record of class CH is no IPv4 address (RFC 1035 section 3.4)."""
    assert read(1, b"\0\1\2", klass=3) == b"\0\1\2"


def test_a_name_may_not_run_past_its_record() -> None:
    """Labels that go on in the next record are no name of this one."""
    message = bytes(12) + b"\3www\0"
    with pytest.raises(MalformedError):
        read_data(5, 1, message, 12, 15, {})
