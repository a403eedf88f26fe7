"""The exact memo."""

import ctypes

import dns.flags
import dns.message
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.plan import Record, Reply
from smartdns.answering.query import Query
from smartdns.contract.grants import Profile
from smartdns.resolver.fast.batch import KEY_SIZE, VECTOR
from smartdns.resolver.fast.memo import MISS, Memo, View, ttl_offsets
from smartdns.resolver.rendering import FOR_EVER, Rendered
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import render_reply
from tests.smartdns.wire.strategies import names, records

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
    memo.remember(view, b"key", _reply(60, 154.5))
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
    memo.remember(view, b"key", _other())
    assert _given(other, b"key") is None
    memo.admit(b"addr", other)
    assert memo.tables[b"addr"] is other.current
    assert memo.tables[b"else"][b"key"] is MISS


def test_what_is_still_asked_for_outlives_what_is_not() -> None:
    """A full half makes the unused ones go, and memory never exceeds the two halves."""
    memo, view = _memo()
    memo.remember(view, b"asked", _reply(600, 700))
    memo.remember(view, b"left", _other())
    for number in range(40):
        if memo.full:
            memo.turn()
        memo.begin_second(101 + number)
        assert _ttl(_given(view, b"asked")) == 599 - number
        memo.remember(view, str(number).encode(), _other())
        assert len(memo) <= 8
    assert _given(view, b"left") is None


def test_a_reply_that_finds_no_room_is_not_remembered() -> None:
    """Nothing is written over what may be on its way out."""
    memo, view = _memo()
    memo.remember(view, b"large", _other(4000))
    memo.remember(view, b"more", _other(200))
    assert memo.full
    assert _given(view, b"more") is None
    assert _given(view, b"large") == bytes(4000)


def test_forgetting_leaves_nothing() -> None:
    """Neither addresses nor replies outlive a change of what they were decided by."""
    memo, view = _memo()
    memo.admit(b"addr", view)
    memo.remember(view, b"key", _other())
    memo.forget()
    assert memo.tables[b"addr"][b"key"] is MISS
    assert _given(memo.view_for(US), b"key") is None


def test_what_can_never_be_found_again_is_not_kept() -> None:
    """A query longer than a key, and a reply that holds for no whole second."""
    memo, view = _memo()
    memo.remember(view, bytes(KEY_SIZE - 1), _other())
    memo.remember(view, b"key", _reply(60, 100.9))
    memo.remember(view, b"zero", _reply(0, 200))
    assert len(memo) == 0


def test_only_ttls_of_records_count_down() -> None:
    """The OPT record has other things in their place."""
    query = dns.message.make_query("www.example.com", "A", use_edns=0)
    query.flags |= dns.flags.QR
    for kind, data in (("CNAME", "a.example.com."), ("SOA", "a. b. 1 2 3 4 5")):
        query.authority.append(dns.rrset.from_text("www.example.com.", 77, "IN", kind, data))
    octets = query.to_wire()
    found = [int.from_bytes(octets[at : at + 4]) for at in ttl_offsets(octets)]
    assert found == [77, 77]


@given(name=names, answer=st.lists(records, max_size=8), edns=st.booleans())
def test_the_place_of_each_ttl_is_known(name: bytes, answer: list[Record], *, edns: bool) -> None:
    """Whatever the records hold, each TTL is found, and nothing else is written over."""
    opt = b"\0\0\x29\x04\xd0" + bytes(6) if edns else b""
    asked = parse_query(b"\0\0\1\0\0\1\0\0\0\0\0" + bytes((edns,)) + name + b"\0\1\0\1" + opt)
    assert isinstance(asked, Query)
    wire = bytearray(render_reply(asked, Reply(0, tuple(answer)), limit=65_535))
    found = ttl_offsets(bytes(wire))
    assert len(found) == len(answer)
    for number, offset in enumerate(found):
        assert int.from_bytes(wire[offset : offset + 4]) == answer[number].ttl
        wire[offset : offset + 4] = number.to_bytes(4)
    got = dns.message.from_wire(bytes(wire), one_rr_per_rrset=True)
    assert [rrset.ttl for rrset in got.answer] == list(range(len(answer)))
    assert got.payload == (1232 if edns else 0)
