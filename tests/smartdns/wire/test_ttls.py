"""TTLs are found wherever they are."""

import dns.flags
import dns.message
import dns.rrset
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.plan import Record, Reply
from smartdns.answering.query import Query
from smartdns.wire.queries import parse_query
from smartdns.wire.replies import render_reply
from smartdns.wire.ttls import ttl_offsets
from tests.smartdns.wire.strategies import names, records


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
