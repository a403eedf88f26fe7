"""Forms of a query: what one got is changed to what another gets, octet for octet."""

import random

import dns.message
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.plan import ExtendedError, Reply
from smartdns.answering.query import Query
from smartdns.resolver.fast.forms import form_of, in_form, in_plain_form
from smartdns.wire.edns import error_option, write_opt
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import render_reply, size_limit
from tests.smartdns.wire.malformed import header, opt
from tests.smartdns.wire.strategies import names, records

flags = st.sampled_from((0x0100, 0x0120, 0x0110, 0x0000))
kinds = st.sampled_from((1, 28, 65, 0x4161, 0x6141))


def asked(name: bytes, kind: int, flags: int, seed: int | None, size: int | None) -> bytes:
    """Give a query; `seed` decides about its case, `size` is in its OPT record."""
    if seed is not None:
        noise = random.Random(seed)  # noqa: S311
        name = bytes(
            octet ^ 0x20 if 0x61 <= octet <= 0x7A and noise.random() < 0.5 else octet
            for octet in name
        )
    question = name + kind.to_bytes(2) + b"\0\1"
    extra = b"" if size is None else b"\0\0\x29" + size.to_bytes(2) + bytes(6)
    return header(flags, 1, ar=int(size is not None)) + question + extra


def replied(query: bytes, reply: Reply) -> bytes:
    """Give what the codec makes of a reply to a query."""
    parsed = parsed_of(query)
    return render_reply(parsed, reply, limit=size_limit(parsed, "udp"))


sizes = st.none() | st.sampled_from((0, 512, 1232, 4096))
cases = st.none() | st.integers(0, 9)


replies = st.builds(
    lambda rcode, answer, authority, error: Reply(
        rcode, tuple(answer), tuple(authority), error=error
    ),
    st.sampled_from((0, 3)),
    st.lists(records, max_size=3),
    st.lists(records, max_size=2),
    st.none() | st.builds(ExtendedError, st.just(4), st.sampled_from(("", "steered"))),
)
forms = st.tuples(cases, sizes)


@given(names.map(bytes.lower), kinds, flags, replies, forms, forms)
def test_what_one_form_got_is_changed_to_what_the_codec_gives_another(
    name: bytes,
    kind: int,
    flags: int,
    reply: Reply,
    first: tuple[int | None, int | None],
    second: tuple[int | None, int | None],
) -> None:
    """Or it is not changed at all, since not every form has room for it."""
    one, other = (asked(name, kind, flags, *each) for each in (first, second))
    form, another = form_of(one[2:]), form_of(other[2:])
    if form is None or another is None:  # a label with a zero octet in it
        assert b"\0" in name[:-1]
        return
    assert form.plain == another.plain
    whole = render_reply(parsed_of(asked(name, kind, flags, None, 512)), reply, limit=65_535)
    opt = b"" if reply.error is None else error_option(reply.error)[1]
    opt = write_opt(0, () if reply.error is None else ((15, opt),), dnssec_ok=False)
    fits = len(whole) <= 512
    if fits:
        plain = in_plain_form(form, replied(one, reply)[2:], opt)
        assert plain is not None
        assert in_form(another, plain, opt) == replied(other, reply)[2:]
    else:
        everything = render_reply(parsed_of(one), reply, limit=65_535)
        assert in_plain_form(form, everything[2:], opt) is None


def parsed_of(query: bytes) -> Query:
    """Parse what is a query."""
    parsed = parse_query(query)
    assert isinstance(parsed, Query)
    return parsed


def test_queries_that_say_more_have_no_form() -> None:
    """An option, a flag or a version of EDNS, two questions, a record, an octet too many."""
    name = b"\3www\7example\3com\0\0\1\0\1"
    bare = opt()
    for query in (
        header(ar=1) + name + b"\0\0\x29\4\xd0\0\0\x80\0\0\0",
        header(ar=1) + name + b"\0\0\x29\4\xd0\0\1\0\0\0\0",
        header(ar=1) + name + b"\0\0\x29\4\xd0\0\0\0\0\0\4\0\x0a\0\0",
        header(ar=1) + name + b"\0\0\x10\4\xd0\0\0\0\0\0\0",
        header(ar=1) + name,
        header(ar=2) + name + bare + bare,
        header(qd=2) + name + name,
        header(an=1) + name + bare,
        header() + name + b"\0",
        header() + name[:-1],
        header(),
        b"",
    ):
        assert form_of(query[2:]) is None, query
    assert form_of((header() + name)[2:]) is not None
    assert form_of((header(ar=1) + name + bare)[2:]) is not None


def test_types_that_are_letters_are_not_folded() -> None:
    """HTTPS is type 65, an "A"; 97 would be an "a"."""
    https, other = (
        form_of(dns.message.make_query("www.example.com", kind).to_wire()[2:]) for kind in (65, 97)
    )
    assert https is not None
    assert other is not None
    assert https.plain != other.plain


def test_a_form_shows_nothing() -> None:
    """It may come into a traceback."""
    assert repr(form_of(dns.message.make_query("www.example.com", "A").to_wire()[2:])) == "Form"
