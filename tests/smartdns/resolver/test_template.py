"""Templates: one reply for many queries."""

import dns.edns
import dns.message
import dns.rcode
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.numbers import EDE_PROHIBITED
from smartdns.answering.plan import Record, Reply
from smartdns.answering.query import Name, Query
from smartdns.resolver.common_query import CommonQuery, read_common_query
from smartdns.resolver.short_reply import REFUSED_FLAGS, short_reply
from smartdns.resolver.template import Template, make_template
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import render_reply
from tests.smartdns.wire.strategies import names, records

OPT = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
NAME = Name(b"\3www\7example\3com\0")
RECORDS = (
    Record(NAME, 5, 1, 300, b"\1a\7example\3com\0"),
    Record(Name(b"\1a\7example\3com\0"), 1, 1, 120, b"\xc6\x33\x64\7"),
)


def _query(name: str, **options: object) -> tuple[bytes, CommonQuery]:
    data = dns.message.make_query(name, "A", **options).to_wire()  # type: ignore[arg-type]
    query = read_common_query(data)
    assert query is not None
    return data, query


def _template(query: CommonQuery, reply: Reply, second: int = 50) -> Template:
    parsed = parse_query(b"\0\0" + query.canonical)
    assert isinstance(parsed, Query)
    octets = render_reply(parsed, reply, limit=query.limit)
    return make_template(octets, reply.valid_until, constant=reply.constant, second=second)


def test_a_template_gives_what_the_codec_would() -> None:
    """With the asker's case and cookie it is the very octets that are rendered for the asker."""
    cookie = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"12345678")
    for options in ({}, {"use_edns": 0}, {"use_edns": 0, "options": [cookie]}):
        data, query = _query("wWw.exAmple.COM", **options)
        reply = Reply(0, RECORDS, valid_until=1000.0)
        parsed = parse_query(data)
        assert isinstance(parsed, Query)
        given = ((10, bytes(24)),) if query.cookie else ()
        expected = render_reply(parsed, reply, limit=query.limit, options=given)
        assert _template(query, reply).body_for(query, bytes(24)) == expected[2:]


def test_its_ttls_count_down_and_it_ends_before_the_first_is_0() -> None:
    """Whatever the reply was said to hold for."""
    data, query = _query("www.example.com")
    template = _template(query, Reply(0, RECORDS, valid_until=1000.0))
    assert template.until == 50 + 120
    body = template.body_for(query, b"", 60)
    assert body is not None
    message = dns.message.from_wire(data[:2] + body)
    assert [rrset.ttl for rrset in message.answer] == [290, 110]


@given(names, st.lists(records, min_size=1, max_size=8))
def test_the_place_of_each_ttl_is_known(name: bytes, answer: list[Record]) -> None:
    """Whatever the records hold, each TTL is found, and nothing else is written over."""
    asked = parse_query(b"\0\0\1\0\0\1\0\0\0\0\0\1" + name + b"\0\1\0\1" + OPT)
    assert isinstance(asked, Query)
    wire = bytearray(render_reply(asked, Reply(0, tuple(answer)), limit=65_535))
    template = make_template(bytes(wire), 0.0, constant=False, second=0)
    for number, (offset, ttl) in enumerate(template.ttls):
        assert ttl == answer[number].ttl
        wire[offset + 2 : offset + 6] = number.to_bytes(4)
    got = dns.message.from_wire(bytes(wire), one_rr_per_rrset=True)
    assert [rrset.ttl for rrset in got.answer] == list(range(len(answer)))
    assert got.payload == 1232


def test_constant_ttls_stay() -> None:
    """Steered names keep their 60 seconds."""
    data, query = _query("www.example.com")
    template = _template(query, Reply(0, RECORDS, constant=True, valid_until=float("inf")))
    body = template.body_for(query, b"", 10_000)
    assert body is not None
    assert [rrset.ttl for rrset in dns.message.from_wire(data[:2] + body).answer] == [300, 120]


def test_a_cookie_that_does_not_fit_leaves_it_to_the_codec() -> None:
    """What must be left out is not for a template to decide."""
    cookie = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"12345678")
    _, query = _query("www.example.com", use_edns=0, payload=512, options=[cookie])
    text = Record(NAME, 16, 1, 300, b"\xff" + bytes(255) + b"\xb5" + bytes(181))
    assert (
        _template(query, Reply(0, (text,), valid_until=1000.0)).body_for(query, bytes(24)) is None
    )


def test_refusals_made_by_hand_are_what_the_codec_would_say() -> None:
    """REFUSED, RD and CD as asked, EDE 18, DO echoed."""
    for options in ({}, {"use_edns": 0}, {"use_edns": 0, "want_dnssec": True}):
        data, query = _query("Random.example.com", **options)
        reply = short_reply(data, query, REFUSED_FLAGS, EDE_PROHIBITED, b"")
        message = dns.message.from_wire(data[:2] + reply)
        assert message.rcode() == dns.rcode.REFUSED
        assert message.question == dns.message.from_wire(data).question
        expected = [dns.edns.EDEOption(dns.edns.EDECode(18))] if query.edns else []
        assert list(message.options) == expected
        assert dns.message.from_wire(data).is_response(message)
