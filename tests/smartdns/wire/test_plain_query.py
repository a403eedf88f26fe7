"""Queries for upstreams by hand are those of the codec."""

from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question
from smartdns.wire.plain_query import render_plain_query
from smartdns.wire.queries import render_query
from tests.smartdns.wire.strategies import names

noise = st.binary(min_size=257, max_size=257)
"""ID, and an octet for each of the longest name's."""


@given(names, st.integers(0, 65_535), st.booleans(), st.booleans(), noise)
def test_a_query_is_rendered_as_the_codec_renders_it(
    name: Name, kind: int, dnssec_ok: bool, checking_disabled: bool, octets: bytes
) -> None:
    """ID, flags, name in its mixed case, type and OPT: the same octets."""
    plan = Forward(Question(name, kind, 1), dnssec_ok, checking_disabled)
    case = int.from_bytes(octets[2:])
    assert render_plain_query(plan, octets[:2], case) == render_query(plan, octets[:2], case)
