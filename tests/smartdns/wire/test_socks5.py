import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.wire.host_name import parse_host_name
from smartdns.wire.socks5 import Refused, Socks5Connect, Step

NAME = parse_host_name(b"www.example.com") or pytest.fail("a name")
REQUEST = b"\x05\x01\x00\x03\x0fwww.example.com\x01\xbb"


def talk(connect: Socks5Connect, *replies: bytes) -> bytes:
    """Feed the server's octets as they are wanted; what was sent besides the greeting."""
    said = b""
    for reply in replies:
        assert len(reply) == connect.wanted
        said += connect.feed(reply)
    return said


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        (b"\x05\x00\x00\x01\x7f", bytes(5)),
        (b"\x05\x00\x00\x04\x20", bytes(17)),
        (b"\x05\x00\x00\x03\x04", b"host\x04\x38"),
    ],
)
def test_the_name_goes_unresolved_and_the_reply_is_taken_to_its_last_octet(
    head: bytes, rest: bytes
) -> None:
    """RFC 1928: bound addresses of all three kinds."""
    connect = Socks5Connect(NAME, 443, None)
    assert connect.greeting == b"\x05\x01\x00"
    assert talk(connect, b"\x05\x00", head, rest) == REQUEST
    assert connect.step is Step.CONNECTED


def test_a_password_is_given_where_there_is_one() -> None:
    """RFC 1929."""
    connect = Socks5Connect(NAME, 443, (b"me", b"secret"))
    assert connect.greeting == b"\x05\x01\x02"
    assert connect.feed(b"\x05\x02") == b"\x01\x02me\x06secret"
    assert connect.feed(b"\x01\x00") == REQUEST


@pytest.mark.parametrize(
    "replies",
    [
        (b"\x05\xff",), (b"\x04\x00",), (b"\x05\x02",),
        (b"\x05\x00", b"\x05\x05\x00\x01\x00"), (b"\x05\x00", b"\x05\x00\x00\x09\x00"),
        (b"\x05\x00", b"\x04\x00\x00\x01\x00"),
    ],
)  # fmt: skip
def test_a_refusal_and_another_protocol_end_it(replies: tuple[bytes, ...]) -> None:
    """The method, the reply's code, and an address of no known kind."""
    with pytest.raises(Refused):
        talk(Socks5Connect(NAME, 443, None), *replies)


def test_a_wrong_password_ends_it() -> None:
    """Nothing is sent after it."""
    connect = Socks5Connect(NAME, 443, (b"me", b"wrong"))
    connect.feed(b"\x05\x02")
    with pytest.raises(Refused):
        connect.feed(b"\x01\x01")


@given(st.binary(min_size=600, max_size=600))
def test_no_server_makes_it_fail_otherwise(data: bytes) -> None:
    """Whatever the server sends, it ends connected or refused."""
    connect = Socks5Connect(NAME, 443, None)
    at = 0
    try:
        while connect.step is not Step.CONNECTED:
            connect.feed(data[at : at + connect.wanted])
            at += connect.wanted
    except Refused:
        pass
