"""The decision for any query at all: what holds whatever is asked."""

from hypothesis import given, settings
from hypothesis import strategies as st

from smartdns.answering.names import name_of
from smartdns.answering.plan import Forward, Reply
from smartdns.answering.query import Edns, Query, Question
from smartdns.wire.queries import Malformed, parse_query
from smartdns.wire.replies import render_reply, size_limit
from tests.profiles import examples
from tests.smartdns.made import (
    DAY,
    NOERROR,
    NOW,
    NXDOMAIN,
    REFUSED,
    STRANGER,
    A,
    decide,
    knowledge,
    query,
    source,
)
from tests.smartdns.wire.strategies import names

interesting = st.sampled_from(
    (
        "www.netflix.com", "netflix.com", "www.bbc.co.uk", "help.netflix.com", "localhost",
        "x.check.dns.example.net", "region-netflix.check.dns.example.net", "example.com",
        "mask.icloud.com", "1.1.168.192.in-addr.arpa", "_dns.resolver.arpa",
    )
).map(name_of)  # fmt: skip
kinds = st.sampled_from((1, 28, 65, 64, 255, 16, 5, 6, 46, 41, 250, 252)) | st.integers(0, 65_535)
edns = st.none() | st.builds(
    Edns, st.integers(0, 65_535), st.sampled_from((0, 0, 0, 1)), st.booleans(), st.just(())
)


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Any query that the parser could give."""
    asked = Question(draw(names | interesting), draw(kinds), draw(st.sampled_from((1, 1, 1, 3))))
    wire = asked.name + asked.type.to_bytes(2) + asked.klass.to_bytes(2)
    return query(
        "x",
        edns=draw(edns),
        opcode=draw(st.sampled_from((0, 0, 0, 4, 5))),
        recursion_desired=draw(st.booleans()),
        checking_disabled=draw(st.booleans()),
        question=asked,
        question_wire=wire,
    )


@given(queries())
@settings(max_examples=examples(200))
def test_every_reply_can_be_sent_and_names_are_denied_with_a_soa(asked: Query) -> None:
    """It renders within the limit; negative answers can be cached; the answer is for the name."""
    plan = decide(asked, source(), knowledge(), NOW, DAY)
    if isinstance(plan, Forward):
        assert plan.question == asked.question
        return
    assert isinstance(plan, Reply)
    limit = size_limit(asked, "udp")
    wire = render_reply(asked, plan, limit=limit)
    assert len(wire) <= limit
    assert not isinstance(parse_query(wire), Query | Malformed)
    if plan.rcode in {NOERROR, NXDOMAIN} and not plan.answer:
        assert [r.type for r in plan.authority] == [6]
    assert {r.name for r in plan.answer} <= {asked.question and asked.question.name}


@given(queries())
@settings(max_examples=examples(200))
def test_a_stranger_learns_nothing(asked: Query) -> None:
    """Whatever is asked: REFUSED and no data, and no cached answer shows through."""
    plan = decide(asked, source(STRANGER), knowledge(), NOW, DAY)
    assert isinstance(plan, Reply)
    assert (plan.rcode, plan.answer, plan.authority, plan.additional) == (REFUSED, (), (), ())


@given(kinds, st.booleans(), st.booleans())
@settings(max_examples=examples(200))
def test_a_steered_name_is_never_denied(kind: int, recursion: bool, checking: bool) -> None:
    """No type of a steered name gets NXDOMAIN, and NOTIMP only what has no data anywhere."""
    asked = query("www.netflix.com", kind, recursion_desired=True, checking_disabled=checking)
    plan = decide(asked, source(), knowledge(), NOW, DAY)
    if isinstance(plan, Forward):
        assert plan.nxdomain_is_nodata
        return
    assert isinstance(plan, Reply)
    assert plan.rcode == NOERROR or kind in {41, 251, 252, 253, 254} or 128 <= kind < 255
    assert not plan.answer or kind in {A, 28, 255}
