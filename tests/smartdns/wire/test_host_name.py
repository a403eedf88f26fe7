import pytest

from smartdns.wire.host_name import parse_host_name

WIRE = b"\x03www\x07example\x03com\x00"


@pytest.mark.parametrize(
    "text", [b"www.example.com", b"WWW.Example.COM", b"www.example.com.", b"wWw.eXample.com."]
)
def test_case_and_the_last_dot_make_no_difference(text: bytes) -> None:
    """One name has one wire form, whatever its case and with or without the last dot."""
    assert parse_host_name(text) == WIRE


def test_underscores_and_inner_hyphens_are_part_of_names() -> None:
    """Real services use both."""
    assert parse_host_name(b"_dns.a--b.net") == b"\x04_dns\x04a--b\x03net\x00"


@pytest.mark.parametrize(
    "text",
    [
        b"", b".", b"..", b".example.com", b"example..com", b"example.com..", b"-a.com", b"a-.com",
        b"www.example.com\x00", b"www\x00.example.com", b"www.example.com\n", b"www example.com",
        b"192.0.2.1", b"192.0.2.1.", b"3221225985", b"0x7f.1", b"127.0x1", b"2001:db8::1", b"[::1]",
        b"::ffff:192.0.2.1", b"ex\xc3\xa4mple.com", b"*.example.com", b"example.com:443",
        b"a" * 64 + b".com", b"a." * 127 + b"com", b"user@example.com", b"example.com/",
    ],
)  # fmt: skip
def test_what_is_not_a_host_name_is_none(text: bytes) -> None:
    """Addresses in any notation, empty labels, NUL, blanks and over-long ones are refused."""
    assert parse_host_name(text) is None


def test_the_longest_name_is_255_octets_in_wire_form() -> None:
    """RFC 1035 section 2.3.4, neither less nor more."""
    longest = b".".join([b"a" * 63] * 3 + [b"b" * 61])
    name = parse_host_name(longest)
    assert name is not None
    assert len(name) == 255
    assert parse_host_name(b"a" + longest[:-1] + b"bb") is None
