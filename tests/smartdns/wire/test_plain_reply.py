"""The reading by hand says what the codec and `sanitize` say, or nothing."""

import struct

from hypothesis import example, given
from hypothesis import strategies as st

from smartdns.answering.query import Name, Question
from smartdns.answering.sanitize import sanitize
from smartdns.wire.plain_reply import read_plain_reply
from smartdns.wire.replies import parse_reply
from tests.smartdns.wire.strategies import data_by_type, names, ttls

OPT = b"\0\0\x29\x04\xd0" + bytes(6)
EXPLAINED = b"\0\0\x29\x04\xd0" + bytes(5) + b"\x06\0\x0f\0\x02\0\x12"
PLAIN_TYPES = (1, 28, 16, 65_280)


def reply(
    name: bytes, kind: int, records: list[tuple[int, int, bytes]], opt: bytes, flags: bytes
) -> bytes:
    """Render a reply whose records, of type, TTL and data, point to the question's name."""
    counts = struct.pack("!4H", 1, len(records), 0, bool(opt))
    body = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", type_, 1, ttl, len(data)) + data
        for type_, ttl, data in records
    )
    return b"\0\7" + flags + counts + name + struct.pack("!HH", kind, 1) + body + opt


def agrees(data: bytes, name: Name, kind: int) -> bool:
    """Hold the reading by hand against the other; False: it left the reply alone."""
    question = Question(name, kind, 1)
    end = 12 + len(name) + 4
    plain = read_plain_reply(data, end, question)
    if plain is None:
        return False
    heard = plain.answer(question)
    parsed = parse_reply(data)
    assert parsed is not None
    assert parsed.opcode == 0
    assert heard == sanitize(question, parsed, dnssec_ok=False)
    # What its asker gets reads the same: each record once, every TTL the lowest.
    head = data[:6] + bytes((0, len(plain.datas), 0, 0, 0, 0)) + data[12:end]
    passed_on = parse_reply(head + plain.section)
    assert passed_on is not None
    assert passed_on.answer == heard.answer
    return True


plain = st.sampled_from(PLAIN_TYPES).flatmap(
    lambda kind: st.tuples(
        names.filter(lambda name: len(name) < 250),
        st.just(kind),
        st.lists(
            st.tuples(st.just(kind), st.integers(0, 2**32 - 1) | ttls, data_by_type[kind]),
            min_size=1,
            max_size=5,
        ),
    )
)


@given(plain, st.sampled_from([b"", OPT]), st.sampled_from([b"\x81\x80", b"\x85\xa0"]))
def test_a_plain_reply_is_read_as_the_codec_reads_it(
    made: tuple[Name, int, list[tuple[int, int, bytes]]], opt: bytes, flags: bytes
) -> None:
    """Whatever TTLs and repetitions: the same answer, and each such reply is taken."""
    name, kind, records = made
    assert agrees(reply(name, kind, records, opt, flags), name, kind)


@given(plain, st.data())
def test_a_spoilt_reply_is_left_alone_or_read_alike(
    made: tuple[Name, int, list[tuple[int, int, bytes]]], draw: st.DataObject
) -> None:
    """One octet behind the ID changed, or some cut off: no other outcome than the codec's."""
    name, kind, records = made
    data = bytearray(reply(name, kind, records, OPT, b"\x81\x80"))
    end = 12 + len(name) + 4
    behind = st.integers(2, 11) | st.integers(end, len(data) - 1)
    data[draw.draw(behind)] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(end, len(data)))
    agrees(bytes(data), name, kind)
    agrees(bytes(data[:cut]), name, kind)


@given(plain, st.sampled_from([2, 5, 12, 6, 15, 33, 39]), st.data())
@example((Name(b"\1a\0"), 1, [(1, 60, b"\1\2\3\4")]), 5, None)
def test_what_may_hold_names_is_left_to_the_codec(
    made: tuple[Name, int, list[tuple[int, int, bytes]]], kind: int, draw: st.DataObject | None
) -> None:
    """An alias in front, or a type with names in its data, is not plain."""
    name, asked, records = made
    data = b"\0" if draw is None else draw.draw(data_by_type[kind])
    aliased = reply(name, asked, [(kind, 60, data), *records], b"", b"\x81\x80")
    assert not agrees(aliased, name, asked)
    assert not agrees(reply(name, kind, [(kind, 60, data)], b"", b"\x81\x80"), name, kind)


def test_errors_denials_and_explanations_are_left_to_the_codec() -> None:
    """Another code, TC, no record, more sections, options, a high code in the OPT: not plain."""
    name, address = Name(b"\1a\0"), [(1, 60, b"\1\2\3\4")]
    assert agrees(reply(name, 1, address, OPT, b"\x81\x80"), name, 1)
    for flags in (b"\x81\x83", b"\x83\x80", b"\x01\x80", b"\x89\x80"):
        assert not agrees(reply(name, 1, address, b"", flags), name, 1)
    assert not agrees(reply(name, 1, [], b"", b"\x81\x80"), name, 1)
    assert not agrees(reply(name, 1, address, EXPLAINED, b"\x81\x80"), name, 1)
    assert not agrees(reply(name, 1, address, OPT[:5] + b"\1" + OPT[6:], b"\x81\x80"), name, 1)
    assert not agrees(reply(name, 255, address, b"", b"\x81\x80"), name, 255)
