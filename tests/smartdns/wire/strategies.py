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


def to_dnspython(wire: bytes) -> dns.name.Name:
    """Convert an uncompressed wire name."""
    return dns.name.from_wire(wire, 0)[0]
