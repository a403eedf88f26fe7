import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.wire.client_hello import MAX_HANDSHAKE, MAX_RECEIVED, ClientHelloReader
from smartdns.wire.host_name import NoName, Outcome
from tests.peers.client_hello import (
    block,
    extension,
    handshake,
    real_client_hello,
    records,
    server_name,
)

NAME = b"www.example.com"
WIRE = b"\x03www\x07example\x03com\x00"
NEVER, NOT_YET = NoName.NEVER, NoName.NOT_YET
PLAIN = handshake(server_name(NAME))


def read(data: bytes, size: int | None = None) -> Outcome:
    """Feed `data` in pieces of `size` octets; the outcome of the last piece."""
    reader = ClientHelloReader()
    outcome: Outcome = NOT_YET
    for at in range(0, len(data), size or len(data)):
        assert outcome is NOT_YET
        outcome = reader.feed(data[at : at + (size or len(data))])
    assert reader.received == data
    return outcome


def test_a_real_hello_gives_its_name_in_lower_case_wire_form() -> None:
    """What OpenSSL sends is understood."""
    assert read(real_client_hello("WWW.Example.com")) == WIRE


@pytest.mark.parametrize("record_size", [1, 2, 3, 7, 100, 16_384])
@pytest.mark.parametrize("segment_size", [1, 2, 5, 64, None])
def test_any_segments_over_any_records(record_size: int, segment_size: int | None) -> None:
    """However TCP and TLS cut it, the name is found with the last octet and not before."""
    assert read(records(PLAIN, record_size), segment_size) == WIRE


@pytest.mark.parametrize("segment_size", [1, 4096, None])
def test_64_kilobytes_are_read_and_one_octet_more_is_not(segment_size: int | None) -> None:
    """A hello may be 64 kB long, not longer."""
    rest = MAX_HANDSHAKE - len(handshake(server_name(NAME), extension(21, b"")))
    assert rest < 65_536
    largest = handshake(server_name(NAME), extension(21, bytes(rest)))
    assert len(largest) == MAX_HANDSHAKE
    assert read(records(largest), segment_size) == WIRE
    ciphers = b"\x13\x01" * 50
    too_large = handshake(server_name(NAME), extension(21, bytes(rest - 80)), ciphers=ciphers)
    assert read(records(too_large)) is NEVER


def test_endless_tiny_records_are_given_up() -> None:
    """What may be buffered for one connection is bounded in octets received, too."""
    reader = ClientHelloReader()
    tiny = b"\x16\x03\x01" + block(2, b"\x01")
    outcome = reader.feed(tiny + (b"\x16\x03\x01" + block(2, b"\x00")) * 3)
    while outcome is NOT_YET:
        assert len(reader.received) < MAX_RECEIVED
        outcome = reader.feed((b"\x16\x03\x01" + block(2, b"\x00")) * 1000)
    assert outcome is NEVER


def test_grease_key_shares_and_an_encrypted_inner_hello_do_not_matter() -> None:
    """RFC 8701, hybrid ML-KEM shares, and the outer name of RFC 9849."""
    grease = extension(0x0A0A, b"\x00")
    key_share = extension(51, block(2, b"\x11\xec" + block(2, bytes(1216))))
    encrypted = extension(0xFE0D, b"\x00" * 200)
    late = extension(0xDADA, b"")
    message = handshake(
        grease, encrypted, key_share, server_name(NAME), late, ciphers=b"\x1a\x1a\x13\x01"
    )
    assert read(records(message), 100) == WIRE


def test_octets_after_the_hello_are_kept_and_not_judged() -> None:
    """Early data may follow at once; it belongs to the origin."""
    assert read(records(PLAIN) + b"\x17\x03\x03\x00\x05early") == WIRE


@pytest.mark.parametrize(
    "message",
    [
        handshake(),
        handshake(server_name()),
        handshake(server_name(b"")),
        handshake(server_name(NAME, NAME)),
        handshake(server_name(NAME), server_name(NAME)),
        handshake(server_name(b"192.0.2.1")),
        handshake(server_name(b"www.example.com\x00.evil.net")),
        handshake(extension(0, block(2, b"\x01" + block(2, NAME)))),
        handshake(extension(0, block(2, b"\x00" + block(2, NAME)) + b"\x00")),
        handshake(extension(0, b"")),
        handshake(server_name(NAME)[:-1]),
        b"\x02" + PLAIN[1:],
        PLAIN[:4] + PLAIN[4:39].replace(b"\x20", b"\xff") + PLAIN[39:],
        b"\x01" + block(3, PLAIN[4:] + b"\x00"),
        b"\x01" + block(3, PLAIN[4:20]),
        b"\x01\x00\x00\x00",
    ],
)
def test_a_hello_without_exactly_one_good_name_is_never_one(message: bytes) -> None:
    """No, empty, double or wrong names, addresses, and lengths that do not add up."""
    assert read(records(message)) is NEVER


@pytest.mark.parametrize(
    "first",
    [
        b"GET / HTTP/1.1\r\n", b"\x15", b"\x80\x2e\x01", b"\x16\x02\x00\x00\x05",
        b"\x16\x03\x01\x00\x00", b"\x16\x03\x01\x40\x01", b"SSH-2.0-", b"\x16\x03\x01\x00\x01\x02",
    ],
)  # fmt: skip
def test_what_is_not_tls_is_never_one_from_its_first_octets(first: bytes) -> None:
    """Other protocols, SSLv2, empty and over-long records are told apart at once."""
    assert read(first) is NEVER


@pytest.mark.parametrize("end", [1, 4, 5, 6, 9, len(PLAIN) + 4])
def test_a_prefix_is_not_yet_a_hello(end: int) -> None:
    """Nothing is decided before the message is whole."""
    assert read(records(PLAIN)[:end]) is NOT_YET


@given(st.binary(max_size=600), st.integers(1, 50))
def test_no_octets_raise(data: bytes, size: int) -> None:
    """Random octets end in one of the three outcomes."""
    reader = ClientHelloReader()
    for at in range(0, len(data), size):
        if reader.feed(b"\x16\x03\x01" + block(2, data[at : at + size])) is not NOT_YET:
            break


@given(st.data())
def test_a_damaged_hello_raises_nothing_and_gives_the_same_in_any_segments(
    data: st.DataObject,
) -> None:
    """One octet changed, and cut anywhere: the outcome depends on the octets alone."""
    hello = bytearray(records(handshake(extension(0x1A1A, b""), server_name(NAME)), 50))
    hello[data.draw(st.integers(0, len(hello) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(hello)))
    reader = ClientHelloReader()
    first = reader.feed(bytes(hello[:cut]))
    whole = ClientHelloReader().feed(bytes(hello))
    assert whole == (first if first is not NOT_YET else reader.feed(bytes(hello[cut:])))
