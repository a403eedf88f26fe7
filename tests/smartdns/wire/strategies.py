"""Hypothesis strategies for names and records, in wire form and as dnspython sees them."""

import dns.name
from hypothesis import strategies as st

from smartdns.answering.plan import Record
from smartdns.answering.query import Name

labels = st.binary(min_size=1, max_size=63)
wire_names = (
    st.lists(st.binary(min_size=1, max_size=20) | labels, max_size=8)
    .map(lambda parts: b"".join(bytes((len(p),)) + p for p in parts) + b"\0")
    .filter(lambda wire: len(wire) <= 255)
)
"""Any name at all, labels being bytes."""
names = wire_names.map(lambda wire: Name(wire.lower()))
ttls = st.integers(0, 2**31 - 1)


def _named(prefix: int, count: int, rest: int) -> st.SearchStrategy[bytes]:
    parts = [st.binary(min_size=prefix, max_size=prefix), *[wire_names] * count]
    return st.tuples(*parts, st.binary(min_size=rest, max_size=rest)).map(b"".join)


data_by_type: dict[int, st.SearchStrategy[bytes]] = {
    1: st.binary(min_size=4, max_size=4),
    28: st.binary(min_size=16, max_size=16),
    2: _named(0, 1, 0),
    5: _named(0, 1, 0),
    12: _named(0, 1, 0),
    6: _named(0, 2, 20),
    15: _named(2, 1, 0),
    33: _named(6, 1, 0),
    39: _named(0, 1, 0),
    16: st.binary(max_size=255).map(lambda text: bytes((len(text),)) + text),
    65_280: st.binary(max_size=300),  # private use: opaque (RFC 3597)
}
records = st.sampled_from(sorted(data_by_type)).flatmap(
    lambda kind: st.builds(Record, names, st.just(kind), st.just(1), ttls, data_by_type[kind])
)


_octets, _types = st.integers(0, 255), st.integers(0, 65_535)
_opts = st.builds(
    lambda size, rcode_high, version, flags, options: b"".join(
        (b"\0\0\x29", size, rcode_high, version, flags, len(options).to_bytes(2), options)
    ),
    *(st.binary(min_size=2, max_size=2), st.sampled_from((b"\0", b"\1"))),
    st.sampled_from((b"\0", b"\0", b"\0", b"\1")),
    st.sampled_from((b"\0\0", b"\x80\0", b"\xff\xff", b"\0\1")),
    st.sampled_from((b"", b"", b"", b"\0\x0a\0\x08abcdefgh", b"\0\x0c\0\0", b"\0\x0a\0\1x")),
)
_odd_names = st.sampled_from(
    (b"\xc0\x0c", b"\1a\xc0\x0c", b"\x40" + bytes(64) + b"\0", b"\x80a\0", b"\x3f" + bytes(20), b"")
) | st.binary(max_size=40)
_first_flags = st.sampled_from((0, 1, 1, 1, 3, 5, 7, 0x81, 0x21, 0x09))
_counts = st.sampled_from(((1, 0, 0, 0), (1, 0, 0, 1), (2, 0, 0, 0), (1, 1, 0, 0), (0, 0, 0, 1)))
_tails = st.lists(_opts, max_size=2) | st.lists(_opts, max_size=1)
_asked_names = st.integers(0, 4).flatmap(lambda n: wire_names if n else _odd_names)


@st.composite
def query_messages(draw: st.DrawFn, names: st.SearchStrategy[bytes] = _asked_names) -> bytes:
    """Messages that are queries as stubs send them, and all that is near them."""
    name, kind = draw(names), draw(st.sampled_from((1, 28, 65, 255, 252, 41)) | _types)
    question = name + kind.to_bytes(2) + draw(st.sampled_from((b"\0\1", b"\0\1", b"\0\3")))
    tail = draw(_tails)
    sections = draw(_counts) if draw(st.integers(0, 4)) == 0 else (1, 0, 0, len(tail))
    flags = bytes((draw(_first_flags), draw(_octets)))
    header = draw(_octets).to_bytes(2) + flags + b"".join(each.to_bytes(2) for each in sections)
    whole = header + question + b"".join(tail)
    odd = draw(st.integers(0, 9))
    if odd == 0:
        return whole[: draw(st.integers(0, len(whole)))]
    return whole + b"\0" if odd == 1 else whole


def to_dnspython(wire: bytes) -> dns.name.Name:
    """Convert an uncompressed wire name."""
    return dns.name.from_wire(wire, 0)[0]
