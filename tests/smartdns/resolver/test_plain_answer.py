"""Replies by hand are those of the codec."""

from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.numbers import OPTION_COOKIE
from smartdns.answering.plan import Record, Reply
from smartdns.resolver.common_query import read_common_query
from smartdns.resolver.plain_answer import begin_answer, plain_answer
from smartdns.resolver.short_cut import plan_for
from smartdns.wire.plain_reply import read_plain_reply
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import render_reply, size_limit
from tests.smartdns.made import Query

FLAGS = st.sampled_from([b"\x01\0", b"\x01\x20", b"\x01\x10", b"\x01\x30"])
ENDS = st.sampled_from(
    [
        b"",
        b"\0\0\x29\x04\xd0" + bytes(6),
        b"\0\0\x29\x02\0\0\0\x80" + bytes(3),
        b"\0\0\x29\xff\xff" + bytes(5) + b"\x0c\0\x0a\0\x08abcdefgh",
    ]
)


@given(
    FLAGS, ENDS, st.booleans(), st.integers(0, 86_400), st.integers(1, 64), st.sampled_from([1, 28])
)
def test_a_reply_is_rendered_as_the_codec_renders_it(
    flags: bytes, end: bytes, authentic: bool, ttl: int, count: int, kind: int
) -> None:
    """Case, AD, CD, DO, cookie: the same octets; and None just where the codec would truncate."""
    counts = b"\0\1\0\0\0\0\0" + bytes((bool(end),))
    name = b"\3wWw\7eXample\3com\0"
    data = b"\x12\x34" + flags + counts + name + bytes((0, kind, 0, 1)) + end
    query = read_common_query(data)
    parsed = parse_query(data)
    assert query is not None
    assert isinstance(parsed, Query)
    plan = plan_for(data, query)
    assert plan is not None
    assert plan.question == parsed.question
    owner, size = plan.question.name, 4 if kind == 1 else 16
    records = tuple(
        Record(owner, kind, 1, ttl, bytes(size - 1) + bytes((i,))) for i in range(count)
    )
    cookie = bytes(range(24)) if query.cookie else b""
    rendered = render_reply(
        parsed,
        Reply(0, records, authentic_data=authentic),
        limit=size_limit(parsed, "udp"),
        options=((OPTION_COOKIE, cookie),) if cookie else (),
    )
    came = render_reply(parsed, Reply(0, records, authentic_data=authentic), limit=65_535)
    plain = read_plain_reply(came, 12 + len(query.question), plan.question)
    assert plain is not None
    begun = begin_answer(data, query, cookie)
    ours = plain_answer(begun, plain._replace(authentic_data=authentic))
    assert ours == (None if rendered[2] & 2 else rendered)


def test_what_the_form_decides_is_not_asked_upstream() -> None:
    """No RD, another class, ANY, transfers, OPT as a type: for the general way."""
    for flags, kind, klass in (
        (0, 1, 1), (1, 1, 3), (1, 255, 1), (1, 252, 1), (1, 41, 1), (1, 128, 1),
    ):  # fmt: skip
        data = bytes((0, 7, flags, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, kind, 0, klass))
        query = read_common_query(data)
        assert query is not None
        assert plan_for(data, query) is None
