"""Reading what clients send and writing what upstreams are sent, against dnspython."""

import dns.flags
import dns.message
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Query, Question
from smartdns.wire.queries import (
    Malformed,
    mix_case,
    parse_query,
    render_formerr,
    render_query,
)
from tests.smartdns.made import query
from tests.smartdns.wire.malformed import SANE, header, opt, option, tsig
from tests.smartdns.wire.strategies import names, to_dnspython, wire_names

noise = st.binary(min_size=255, max_size=255)
"""An octet for each of the longest name's."""


def parsed(packet: bytes) -> Query:
    """Parse what must be readable."""
    got = parse_query(packet)
    assert isinstance(got, Query)
    return got


@given(st.binary(max_size=600))
@example(SANE[0])
def test_parsing_a_query_is_total(packet: bytes) -> None:
    """Whatever octets arrive, there is a query, a format error or nothing, and no exception."""
    got = parse_query(packet)
    assert got is None or isinstance(got, Query | Malformed)
    assert (got is None) == (len(packet) < 12 or bool(packet[2] & 0x80))


@given(
    wire_names,
    st.integers(0, 65_535),
    st.integers(0, 65_535),
    st.booleans(),
    st.none() | st.integers(0, 65_535),
)
def test_a_query_of_dnspython_is_read_as_it_was_meant(
    name: bytes, id_: int, kind: int, dnssec_ok: bool, payload: int | None
) -> None:
    """Name, type, ID, flags and EDNS come out as they went in."""
    made = dns.message.make_query(
        to_dnspython(name),
        kind,
        use_edns=0 if payload is not None else -1,
        payload=payload or 0,
        want_dnssec=dnssec_ok and payload is not None,
        id=id_,
    )
    got = parsed(made.to_wire())
    assert got.id == id_
    assert got.recursion_desired
    assert got.question == Question(Name(name.lower()), kind, 1)
    assert got.question_wire == name + kind.to_bytes(2) + b"\0\1"
    assert (got.edns is None) == (payload is None)
    if got.edns is not None:
        assert (got.edns.payload_size, got.edns.dnssec_ok) == (payload, dnssec_ok)


@given(names, noise, st.booleans(), st.booleans())
def test_dnspython_reads_our_query_as_it_was_meant(
    name: Name, octets: bytes, dnssec_ok: bool, checking_disabled: bool
) -> None:
    """ID, name in the case that was wanted, RD and AD set, CD and DO as asked."""
    plan = Forward(Question(name, 28, 1), dnssec_ok, checking_disabled)
    mixed = mix_case(name, int.from_bytes(octets))
    wire = render_query(plan, b"\0\x63", int.from_bytes(octets))
    got = dns.message.from_wire(wire)
    assert got.question[0].name.to_wire() == mixed
    assert got.id == 99
    assert bool(got.flags & dns.flags.CD) == checking_disabled
    assert bool(got.ednsflags & dns.flags.DO) == dnssec_ok
    assert got.flags & dns.flags.RD
    assert got.flags & dns.flags.AD
    assert got.payload == 1232


def test_a_format_error_is_a_header_and_nothing_else() -> None:
    """ID, opcode and RD of the query, QR and FORMERR: twelve octets."""
    got = parse_query(header(0x2100, id_=0xABCD) + b"\xff")
    assert isinstance(got, Malformed)
    assert render_formerr(got) == bytes.fromhex("abcd a181 0000 0000 0000 0000")


MALFORMED = {
    "two questions": header(qd=2) + SANE[0][12:] * 2,
    "no question": header(qd=0),
    "a question cut short": SANE[0][:-1],
    "label type 01": header() + b"\x41a\0\0\1\0\1",
    "a pointer in the question": header() + b"\xc0\x04\0\1\0\1",
    "a name of 256 octets": header() + b"\1a" * 127 + b"\1" + b"\0\0\1\0\1",
    "two OPT records": header(ar=2) + SANE[0][12:] + opt() * 2,
    "OPT among the answers": header(an=1) + SANE[0][12:] + opt(),
    "OPT that is not the root's": header(ar=1) + SANE[0][12:] + opt(owner=b"\1a\0"),
    "OPT cut short": header(ar=1) + SANE[0][12:] + opt()[:-1],
    "an option longer than its record": header(ar=1) + SANE[0][12:] + opt(option(10, b"", 8)),
    "TSIG that is not the last": header(ar=2) + SANE[0][12:] + tsig() + opt(),
    "TSIG among the answers": header(an=1) + SANE[0][12:] + tsig(),
    "TSIG without a MAC's length": header(ar=1) + SANE[0][12:] + tsig()[:13] + b"\0\4\0\0\0\0",
    "a pointer of one octet": header(ar=1) + SANE[0][12:] + b"\xc0",
    "more records than there are": header(ar=2) + SANE[0][12:] + opt(),
}  # fmt: skip


@pytest.mark.parametrize("packet", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_cannot_be_read_is_a_format_error(packet: bytes) -> None:
    """Each of these breaks a rule of RFC 1035, 6891, 7871, 7873 or 9619."""
    assert isinstance(parse_query(packet), Malformed)


def test_a_signature_is_kept_for_the_reply() -> None:
    """Key, algorithm and time of a TSIG, which an error has to repeat (RFC 8945 section 5.2)."""
    got = parsed(header(ar=2) + SANE[0][12:] + opt() + tsig(owner=b"\3KEY\0"))
    assert got.signature is not None
    assert got.signature.key_name == b"\3key\0"
    assert got.signature.algorithm == b"\x0bhmac-sha256\0"
    assert int.from_bytes(got.signature.time_signed) == 1_700_000_000


def test_the_query_of_no_question_needs_a_cookie() -> None:
    """QDCOUNT 0 is well-formed only together with a COOKIE option (RFC 7873 section 5.4)."""
    got = parsed(header(qd=0, ar=1) + opt(option(10, b"client!!")))
    assert got.question is None
    assert isinstance(parse_query(header(qd=0, ar=1) + opt()), Malformed)
    assert parsed(header(qd=0, ar=1) + opt(ttl=0x10000)).question is None  # for BADVERS


def test_nothing_of_a_query_shows_when_printed() -> None:
    """Neither name nor octets are in the text of what the codec gives."""
    got = parsed(header() + b"\6canary\0\0\1\0\1")
    assert "canary" not in f"{got!r}{got.question!r}{got}"
    assert "canary" not in repr(parse_query(header() + b"\6canary"))


@given(names, noise)
def test_nothing_but_the_case_of_letters_changes(name: Name, octets: bytes) -> None:
    """Lower-cased again it is the name; each letter follows its own bit."""
    octets = octets[-len(name) :]
    mixed = mix_case(name, int.from_bytes(octets))
    assert mixed.lower() == name
    assert [a != b for a, b in zip(name, mixed, strict=True)] == [
        bool(octet & 0x20) and 0x61 <= letter <= 0x7A
        for letter, octet in zip(name, octets, strict=True)
    ]


def test_an_upstream_that_knows_no_edns_gets_none() -> None:
    """Header and question alone, in lower case where there is no noise."""
    plan = Forward(query("www.example.com", 28).question, False, False)  # type: ignore[arg-type]
    wire = render_query(plan, b"ab", 0, edns=False)
    assert wire == b"ab" + header(0x0120)[2:] + SANE[0][12:-4] + b"\0\x1c\0\1"
    assert render_query(plan, b"ab", 0, edns=False, padding_block=128) == wire


@given(names, st.booleans())
def test_a_padded_query_fills_its_block(name: Name, dnssec_ok: bool) -> None:
    """Whatever the name's length (RFC 7830, RFC 8467), and the OPT says what it said."""
    plan = Forward(Question(name, 1, 1), dnssec_ok, checking_disabled=False)
    wire = render_query(plan, b"ab", 0, padding_block=128)
    got = dns.message.from_wire(wire)
    assert len(wire) % 128 == 0
    assert [int(option.otype) for option in got.options] == [12]
    assert bool(got.ednsflags & dns.flags.DO) == dnssec_ok
