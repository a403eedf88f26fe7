import pytest
from hypothesis import given
from hypothesis import strategies as st

from zones.names import NameFormatError, parse_name, render_name, split_labels, tails

LABELS = st.from_regex(r"[a-z_]([a-z0-9_-]{0,20}[a-z0-9_])?", fullmatch=True).filter(
    lambda label: not label.startswith("xn--")
)
NAMES = st.lists(LABELS, min_size=1, max_size=6).map(".".join)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("netflix.com", b"\x07netflix\x03com\x00"),
        ("WWW.Netflix.COM.", b"\x03www\x07netflix\x03com\x00"),
        ("_dns.resolver.arpa", b"\x04_dns\x08resolver\x04arpa\x00"),
        ("r1---sn-ab.googlevideo.com", b"\x0ar1---sn-ab\x0bgooglevideo\x03com\x00"),
        ("Bücher.example", b"\x0dxn--bcher-kva\x07example\x00"),
        ("faß.de", b"\x0axn--fa-hia\x02de\x00"),
        ("神奇宝贝.net", b"\x11xn--mts47c3w9b1qr\x03net\x00"),
        ("例え。jp", b"\x0bxn--r8jz45g\x02jp\x00"),
    ],
)
def test_text_becomes_lower_cased_wire_form(text: str, wire: bytes) -> None:
    """Case, the last dot and letters outside ASCII end up in the one form that queries have."""
    assert parse_name(text) == wire


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty label"),
        (".", "empty label"),
        ("a..b", "empty label"),
        (".example.com", "empty label"),
        ("example.com..", "empty label"),
        ("https://example.com/x", "scheme"),
        ("example.com:443", "port"),
        ("*.example.com", "suffixes"),
        ("a b.com", "not a host name"),
        ("exa\nmple.com", "not a host name"),
        ("-a.example", "not a host name"),
        ("a-.example", "not a host name"),
        ("a" * 64 + ".com", "63"),
        ("a." * 127 + "abc", "255"),
        ("192.0.2.1", "address"),
        ("example.123", "number"),
        ("xn--a.example", "IDNA"),
        ("xn--.example", "IDNA"),
        ("a\u0378b.example", "no domain name can have"),
    ],
)
def test_what_is_no_host_name_is_refused_in_words(text: str, says: str) -> None:
    """Each kind of bad name gets its own message, and no other exception comes out."""
    with pytest.raises(NameFormatError, match=says):
        parse_name(text)


@given(NAMES)
def test_wire_form_reads_back(name: str) -> None:
    """Rendering undoes parsing, and the tails are the name with its labels taken off."""
    wire = parse_name(name)
    assert render_name(wire) == name
    assert [render_name(tail) for tail in tails(wire)] == [
        ".".join(name.split(".")[start:]) for start in range(name.count(".") + 1)
    ]


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Whatever an operator types, a wire-form name or a NameFormatError comes back."""
    try:
        wire = parse_name(text)
    except NameFormatError:
        return
    assert wire.endswith(b"\0")
    assert len(wire) <= 255
    assert all(1 <= len(label) <= 63 for label in split_labels(wire))


def test_odd_octets_are_escaped() -> None:
    """A label with a dot or an octet outside ASCII is shown so that it cannot be mistaken."""
    assert render_name(b"\x03a.b\x02\x00\xff\x00") == "a\\.b.\\000\\255"
    assert render_name(b"\x00") == "."
