"""The common form of queries, read by hand."""

import dns.edns
import dns.flags
import dns.message
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.query import Query
from smartdns.resolver.common_query import read_common_query
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import size_limit
from tests.smartdns.wire.malformed import malformed

NAME = "www.example.com"


def _wire(name: str = NAME, kind: str = "A", **options: object) -> bytes:
    return dns.message.make_query(name, kind, **options).to_wire()  # type: ignore[arg-type]


def _cookie(data: bytes) -> dns.edns.Option:
    return dns.edns.GenericOption(dns.edns.OptionType.COOKIE, data)


def test_what_is_read_is_what_the_codec_reads() -> None:
    """Question, limit, DO and cookie agree with the strict parser."""
    for data in (
        _wire(),
        _wire(use_edns=0, payload=4096),
        _wire(use_edns=0, payload=100, want_dnssec=True),
        _wire(kind="HTTPS", use_edns=0, options=[_cookie(bytes(8))]),
        _wire(use_edns=0, options=[_cookie(bytes(24))]),
    ):
        common, query = read_common_query(data), parse_query(data)
        assert common is not None
        assert isinstance(query, Query)
        assert common.question == query.question_wire
        assert common.limit == size_limit(query, "udp")
        assert common.edns == (query.edns is not None)
        if query.edns is not None:
            assert common.dnssec_ok == query.edns.dnssec_ok
            assert common.cookie == b"".join(data for _, data in query.edns.options)


def test_no_malformed_packet_is_taken_for_a_common_query() -> None:
    """Whatever it accepts the codec accepts, too, and sees the same question."""
    for data in malformed():
        common = read_common_query(data)
        if common is not None:
            query = parse_query(data)
            assert isinstance(query, Query)
            assert common.question == query.question_wire


@given(st.binary(max_size=80), st.integers(0, 60), st.integers(0, 255))
def test_no_octets_make_it_disagree_with_the_codec(tail: bytes, at: int, octet: int) -> None:
    """It is total, and never accepts what the codec would not."""
    changed = bytearray(_wire(use_edns=0, options=[_cookie(bytes(8))]))
    changed[at % len(changed)] = octet
    for data in (bytes(changed), bytes(changed) + tail, _wire()[:12] + tail, tail):
        common = read_common_query(data)
        if common is not None:
            query = parse_query(data)
            assert isinstance(query, Query)
            assert common.question == query.question_wire
            assert common.limit == size_limit(query, "udp")


def test_queries_that_may_have_different_answers_have_different_keys() -> None:
    """Type, flags, EDNS, DO and room for the reply tell them apart; case and cookie do not."""
    differing = [
        _wire(),
        _wire(kind="AAAA"),
        _wire(kind="HTTPS"),
        _wire(kind="TYPE97"),  # HTTPS is 65, an "A", and must not be lowered to 97
        _wire(flags=0),
        _wire(flags=dns.flags.RD | dns.flags.CD),
        _wire(flags=dns.flags.RD | dns.flags.AD),
        _wire(use_edns=0, payload=1232),
        _wire(use_edns=0, payload=800),
        _wire(use_edns=0, payload=1232, want_dnssec=True),
    ]
    keys = [query.key for data in differing if (query := read_common_query(data))]
    assert len(set(keys)) == len(differing)
    alike = [
        _wire(use_edns=0, payload=1232),
        _wire("wWw.EXAMPLE.com", use_edns=0, payload=4096),
        _wire(use_edns=0, payload=1400, options=[_cookie(b"12345678")]),
    ]
    keys = [query.key for data in alike if (query := read_common_query(data))]
    assert len(keys) == len(alike)
    assert len(set(keys)) == 1


def test_the_canonical_query_is_a_query_without_case_and_cookie() -> None:
    """It can stand for all of its kind."""
    common = read_common_query(_wire("wWw.Example.COM", use_edns=0, options=[_cookie(bytes(8))]))
    assert common is not None
    canonical = dns.message.from_wire(b"\0\1" + common.canonical)
    assert str(canonical.question[0].name) == "www.example.com."
    assert canonical.options == ()


def test_other_forms_are_left_to_the_codec() -> None:
    """Subnets, signatures, other opcodes, several questions and odd ends are not its business."""
    subnet = dns.edns.ECSOption("192.0.2.0", 24)
    update = bytearray(_wire())
    update[2] |= 5 << 3
    reply = bytearray(_wire())
    reply[2] |= 0x80
    for data in (
        _wire(use_edns=0, options=[subnet]),
        _wire(use_edns=0, options=[_cookie(bytes(8)), _cookie(bytes(8))]),
        _wire(use_edns=1),
        bytes(update),
        bytes(reply),
        _wire() + b"\0",
        _wire()[:-1],
    ):
        assert read_common_query(data) is None
