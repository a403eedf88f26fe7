"""Writing what clients get and reading what upstreams say, against dnspython."""

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.plan import ExtendedError, Record, Reply
from smartdns.answering.query import Edns, Name, Query, Question
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import parse_reply, render_reply, size_limit
from tests.smartdns.made import A, query, record
from tests.smartdns.wire.malformed import SANE, header, opt
from tests.smartdns.wire.strategies import names, records, to_dnspython


def parsed(packet: bytes) -> Query:
    """Parse what must be readable."""
    got = parse_query(packet)
    assert isinstance(got, Query)
    return got


@given(st.binary(max_size=600), st.sampled_from(SANE))
def test_parsing_a_reply_is_total(noise: bytes, packet: bytes) -> None:
    """Whatever an upstream sends, there is a reply or nothing, and no exception."""
    reply_header = header(0x8180, 1, 2, 1, 1)
    parse_reply(noise)
    parse_reply(reply_header + noise)
    parse_reply(reply_header + packet[12:] + noise)


@given(names, st.lists(records, max_size=6), st.lists(records, max_size=3), st.booleans())
def test_dnspython_reads_our_reply_as_it_was_meant(
    name: bytes, answer: list[Record], authority: list[Record], edns: bool
) -> None:
    """Every record comes out with its owner, TTL and data, compressed or not."""
    packet = header(ar=int(edns)) + name + b"\0\1\0\1" + opt() * edns
    asked = parsed(packet)
    sent = Reply(0, tuple(answer), tuple(authority))
    wire = render_reply(asked, sent, limit=65_535)
    got = dns.message.from_wire(wire, one_rr_per_rrset=True)
    assert [seen(rrset) for rrset in got.answer] == [meant(r) for r in answer]
    assert [seen(rrset) for rrset in got.authority] == [meant(r) for r in authority]
    assert (got.edns >= 0) == edns
    assert got.flags & dns.flags.RA


def seen(rrset: dns.rrset.RRset) -> tuple[dns.name.Name, int, int, bytes]:
    """Reduce what dnspython has read to what matters."""
    data = rrset[0].to_wire()
    assert data is not None
    return rrset.name, int(rrset.rdtype), rrset.ttl, data


def meant(record_: Record) -> tuple[dns.name.Name, int, int, bytes]:
    """Reduce a record in the same way."""
    return to_dnspython(record_.name), record_.type, record_.ttl, record_.data


@given(names, st.lists(records, max_size=8), st.integers(0, 4095))
def test_a_reply_of_dnspython_is_read_as_it_was_meant(
    name: bytes, answer: list[Record], rcode: int
) -> None:
    """Compressed names are expanded, data of unknown types is untouched, the RCODE is whole."""
    made = dns.message.make_query(to_dnspython(name), 1, use_edns=0)
    made.flags |= dns.flags.QR
    made.set_rcode(dns.rcode.Rcode.make(rcode))
    for one in answer:
        data = dns.rdata.from_wire(1, one.type, one.data, 0, len(one.data))
        made.answer.append(dns.rrset.from_rdata(to_dnspython(one.name), one.ttl, data))
    got = parse_reply(made.to_wire(max_size=65_535))
    assert got is not None
    assert got.rcode == rcode
    # dnspython compresses without regard to case, so that of a name inside data may change.
    assert [meant(r)[:3] for r in got.answer] == [meant(r)[:3] for r in answer]
    assert [r.data.lower() for r in got.answer] == [r.data.lower() for r in answer]


@given(names, st.lists(records, max_size=8))
def test_what_we_render_we_read_the_same(name: bytes, answer: list[Record]) -> None:
    """Rendering and parsing are inverse, but for the case of names that end in the question."""
    asked = parsed(header() + name + b"\0\1\0\1")
    wire = render_reply(asked, Reply(3, tuple(answer)), limit=65_535)
    got = parse_reply(wire)
    assert got is not None
    assert [meant(r) for r in got.answer] == [meant(r) for r in answer]


@given(names, st.lists(records, max_size=40), st.integers(512, 1232))
def test_a_reply_never_exceeds_its_limit(name: bytes, answer: list[Record], limit: int) -> None:
    """What does not fit is left out whole, with TC, so nobody takes half an RRset for all of it."""
    asked = parsed(header(ar=1) + name + b"\0\1\0\1" + opt())
    wire = render_reply(asked, Reply(0, tuple(answer)), limit=limit)
    got = dns.message.from_wire(wire)
    assert len(wire) <= limit
    if got.flags & dns.flags.TC:
        assert not got.answer
        assert got.edns == 0
    else:
        assert sum(len(rrset) for rrset in got.answer) <= len(answer)


def test_labels_are_octets() -> None:
    """A dot or NUL inside a label splits nothing, and is echoed as it came."""
    name = b"\5a.b\0c\4\xff\xfe\0.\0"
    got = parsed(header() + name + b"\0\1\0\1")
    assert got.question == Question(Name(name), 1, 1)
    wire = render_reply(got, Reply(0, (Record(Name(name), 1, 1, 60, bytes(4)),)), limit=512)
    assert wire[12 : 12 + len(name)] == name
    assert dns.message.from_wire(wire).answer[0].name.labels == (b"a.b\0c", b"\xff\xfe\0.", b"")


def test_the_question_keeps_its_case_and_is_matched_without() -> None:
    """Mixed case (0x20) is echoed octet by octet, and the answer's owner points to it."""
    packet = header() + b"\3wWw\7ExAmPlE\3cOm\0\0\1\0\1"
    got = parsed(packet)
    assert got.question == Question(query("www.example.com").question.name, 1, 1)  # type: ignore[union-attr]
    wire = render_reply(got, Reply(0, (record("www.example.com", A, bytes(4)),)), limit=512)
    assert wire[12 : len(packet)] == packet[12:]
    assert wire[len(packet) : len(packet) + 2] == b"\xc0\x0c"


def test_names_that_point_into_the_question_do_not_take_its_case() -> None:
    """The case of a question was ours (0x20): no owner, target or mail box shows it to a client."""
    into_question = b"\2ns\xc0\x10"  # "ns" before what follows the label of three octets
    owner = b"\xc0\x0c\0\5\0\1\0\0\1\x2c"
    data = header(0x8180, 1, 1) + b"\3WwW\7eXaMpLe\0\0\5\0\1" + owner + b"\0\5" + into_question
    reply = parse_reply(data)
    assert reply is not None
    assert reply.question_wire == b"\3WwW\7eXaMpLe\0\0\5\0\1"
    assert reply.answer == (Record(b"\3www\7example\0", 5, 1, 300, b"\2ns\7example\0"),)


def test_pointers_never_lead_beyond_their_14_bits() -> None:
    """Behind 16 KiB names are written out again, and dnspython reads them all."""
    asked = query("big.example.com", edns=None)
    answer = tuple(
        record(f"n{n}.example.org", 5, b"\1x\1y" + bytes((1, n % 256, 0))) for n in range(2000)
    )
    wire = render_reply(asked, Reply(0, answer), limit=65_535)
    got = dns.message.from_wire(wire, one_rr_per_rrset=True)
    assert len(wire) > 0x8000
    assert got.answer[-1].name == dns.name.from_text("n1999.example.org.")


@pytest.mark.parametrize(
    ("transport", "edns", "limit"),
    [
        ("udp", None, 512),
        ("udp", Edns(0), 512),
        ("udp", Edns(800), 800),
        ("udp", Edns(4096), 1232),
        ("tcp", None, 65_535),
        ("tls", Edns(512), 65_535),
    ],
)
def test_how_large_a_reply_may_be(transport: str, edns: Edns | None, limit: int) -> None:
    """Over UDP what the sender takes, never above 1232; over a stream what its length can say."""
    assert size_limit(query("x", edns=edns), transport) == limit  # type: ignore[arg-type]


def test_opt_goes_out_only_where_one_came_in() -> None:
    """An old stub that knows no EDNS sees none, and no extended error either."""
    reply = Reply(5, error=ExtendedError(18))
    without = dns.message.from_wire(render_reply(query("x", edns=None), reply, limit=512))
    with_opt = dns.message.from_wire(render_reply(query("x"), reply, limit=512))
    assert without.edns == -1
    assert with_opt.options == (dns.edns.EDEOption(18),)


def test_padding_fills_a_block_and_never_more_than_fits() -> None:
    """Only for a query that was padded itself (RFC 7830), to the block of RFC 8467."""
    padded = query("x", edns=Edns(1232, options=((12, b""),)))
    reply = Reply(0, (record("x", A, bytes(4)),))
    assert len(render_reply(padded, reply, limit=65_535, padding_block=468)) == 468
    assert len(render_reply(query("x"), reply, limit=65_535, padding_block=468)) < 468
    assert len(render_reply(padded, reply, limit=100, padding_block=468)) <= 100


@pytest.mark.parametrize(
    ("authentic", "asks", "dnssec_ok", "expected"),
    [
        (True, False, False, False),
        (True, True, False, True),
        (True, False, True, True),
        (False, True, True, False),
    ],
)
def test_ad_is_for_those_who_asked(
    authentic: bool, asks: bool, dnssec_ok: bool, expected: bool
) -> None:
    """AD in the reply needs AD or DO in the query (RFC 6840 sections 5.7 and 5.8)."""
    asked = query("x", edns=Edns(1232, dnssec_ok=dnssec_ok), authentic_data=asks)
    wire = render_reply(asked, Reply(0, authentic_data=authentic), limit=512)
    got = dns.message.from_wire(wire)
    assert bool(got.flags & dns.flags.AD) == expected
    assert bool(got.ednsflags & dns.flags.DO) == dnssec_ok
