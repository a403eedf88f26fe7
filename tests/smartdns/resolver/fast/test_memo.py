"""The exact memo."""

import ctypes

import dns.flags
import dns.message
import dns.rrset

from smartdns.answering.plan import Record, Reply
from smartdns.answering.query import Query
from smartdns.contract.grants import Profile
from smartdns.resolver.fast.batch import KEY_SIZE, VECTOR
from smartdns.resolver.fast.memo import MISS, Memo, View
from smartdns.resolver.rendering import FOR_EVER, Rendered
from smartdns.wire.edns import BARE_OPT
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import render_reply

US, GB = Profile("us"), Profile("gb")


def _given(view: View, key: bytes) -> bytes | None:
    """Read what the kernel would send."""
    vector = view.current[key]
    return None if vector is MISS else ctypes.string_at(*VECTOR.unpack(vector))


def _reply(ttl: int, valid_until: float) -> Rendered:
    """Give a reply with one address."""
    query = dns.message.make_query("www.example.com", "A")
    query.flags |= dns.flags.QR
    query.answer.append(dns.rrset.from_text("www.example.com.", ttl, "IN", "A", "198.51.100.1"))
    return Rendered(query.to_wire(), valid_until, constant=False)


def _other(size: int = 10) -> Rendered:
    return Rendered(bytes(2) + bytes(size), FOR_EVER, constant=True)


def _ttl(body: bytes | None) -> int:
    assert body is not None
    return dns.message.from_wire(b"\0\0" + body).answer[0].ttl


def _memo() -> tuple[Memo, View]:
    memo = Memo(4096, 8)
    memo.begin_second(100)
    return memo, memo.view_for(US)


def test_ttls_count_down_by_the_second() -> None:
    """The second in which it was decided has the whole TTL, each later one less."""
    memo, view = _memo()
    memo.remember(view, b"key", _reply(60, 154.5), memo.second)
    for second in (100, 101, 130, 153):
        memo.begin_second(second)
        for _ in range(2):
            assert _ttl(_given(view, b"key")) == 160 - second
    memo.begin_second(154)
    assert _given(view, b"key") is None


def test_each_profile_has_replies_of_its_own() -> None:
    """What one may see another does not."""
    memo, view = _memo()
    other = memo.view_for(GB)
    memo.remember(view, b"key", _other(), memo.second)
    assert _given(other, b"key") is None
    memo.admit(b"addr", other)
    assert memo.tables[b"addr"] is other.current
    assert memo.tables[b"else"][b"key"] is MISS


def test_what_is_still_asked_for_outlives_what_is_not() -> None:
    """A full half makes the unused ones go, and memory never exceeds the two halves."""
    memo, view = _memo()
    memo.remember(view, b"asked", _reply(600, 700), memo.second)
    memo.remember(view, b"left", _other(), memo.second)
    for number in range(40):
        if memo.full:
            memo.turn()
        memo.begin_second(101 + number)
        assert _ttl(_given(view, b"asked")) == 599 - number
        memo.remember(view, str(number).encode(), _other(), memo.second)
        assert len(memo) <= 8
    assert _given(view, b"left") is None


def test_a_reply_that_finds_no_room_is_not_remembered() -> None:
    """Nothing is written over what may be on its way out."""
    memo, view = _memo()
    memo.remember(view, b"large", _other(4000), memo.second)
    memo.remember(view, b"more", _other(200), memo.second)
    assert memo.full
    assert _given(view, b"more") is None
    assert _given(view, b"large") == bytes(4000)


def test_forgetting_leaves_nothing() -> None:
    """Neither addresses nor replies outlive a change of what they were decided by."""
    memo, view = _memo()
    memo.admit(b"addr", view)
    memo.remember(view, b"key", _other(), memo.second)
    memo.forget()
    assert memo.tables[b"addr"][b"key"] is MISS
    assert _given(memo.view_for(US), b"key") is None


def test_what_can_never_be_found_again_is_not_kept() -> None:
    """A query longer than a key, and a reply that holds for no whole second."""
    memo, view = _memo()
    memo.remember(view, bytes(KEY_SIZE - 1), _other(), memo.second)
    memo.remember(view, b"key", _reply(60, 100.9), memo.second)
    memo.remember(view, b"zero", _reply(0, 200), memo.second)
    assert len(memo) == 0


def test_a_reply_is_given_in_another_form_with_the_ttl_of_its_second() -> None:
    """First changed, then from the tables, unless its case is its own."""
    memo, view = _memo()
    plain = dns.message.make_query("www.example.com", "A").to_wire()[2:]
    with_opt = dns.message.make_query("www.example.com", "A", use_edns=0).to_wire()[2:]
    cased = plain.replace(b"example", b"eXAmple")
    memo.remember(view, with_opt, _answer(with_opt), memo.second)
    assert _given(view, with_opt) is None  # it is kept in its plain form alone
    memo.begin_second(110)
    assert _ttl(_given(view, plain)) == 50
    assert _ttl(memo.in_another_form(view, with_opt)) == 50
    assert _ttl(memo.in_another_form(view, cased)) == 50
    memo.begin_second(120)
    assert _ttl(_given(view, with_opt)) == 40
    assert _given(view, cased) is None
    memo.turn()
    assert _ttl(memo.in_another_form(view, cased)) == 40
    memo.begin_second(155)
    assert memo.in_another_form(view, cased) is None


def test_what_depends_on_more_than_the_question_is_given_in_its_own_form_alone() -> None:
    """A reply that was cut short, say."""
    memo, view = _memo()
    plain = dns.message.make_query("www.example.com", "A").to_wire()[2:]
    with_opt = dns.message.make_query("www.example.com", "A", use_edns=0).to_wire()[2:]
    memo.remember(view, plain, _answer(plain, opt=b""), memo.second)
    assert _ttl(_given(view, plain)) == 60
    assert memo.in_another_form(view, with_opt) is None


def _answer(query: bytes, *, opt: bytes = BARE_OPT[False]) -> Rendered:
    """Give a reply with one address to a query, as the codec renders it."""
    parsed = parse_query(b"\0\0" + query)
    assert isinstance(parsed, Query)
    assert parsed.question is not None
    answer = Record(parsed.question.name, 1, 1, 60, bytes(4))
    octets = render_reply(parsed, Reply(0, (answer,)), limit=512)
    return Rendered(octets, 154.5, constant=False, opt=opt)
