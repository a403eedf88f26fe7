"""Queries for upstreams by hand are those of the codec."""

from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question
from smartdns.wire.dns_message import render_upstream_query
from smartdns.wire.plain_query import mix_case, render_plain_query
from tests.smartdns.wire.strategies import names

noise = st.binary(min_size=257, max_size=257)
"""ID, and an octet for each of the longest name's."""


@given(names, st.integers(0, 65_535), st.booleans(), st.booleans(), noise)
def test_a_query_is_rendered_as_the_codec_renders_it(
    name: Name, kind: int, dnssec_ok: bool, checking_disabled: bool, octets: bytes
) -> None:
    """ID, flags, name in its mixed case, type and OPT: the same octets."""
    question = Question(name, kind, 1)
    case = int.from_bytes(octets[2:])
    assert render_plain_query(
        Forward(question, dnssec_ok, checking_disabled), octets[:2], case
    ) == render_upstream_query(
        question,
        id=int.from_bytes(octets[:2]),
        dnssec_ok=dnssec_ok,
        checking_disabled=checking_disabled,
        name_case=mix_case(name, case),
    )


@given(names, noise)
def test_nothing_but_the_case_of_letters_changes(name: Name, octets: bytes) -> None:
    """Lower-cased again it is the name; each letter follows its own bit."""
    octets = octets[-len(name) :]
    mixed = mix_case(name, int.from_bytes(octets))
    assert mixed.lower() == name
    assert [a != b for a, b in zip(name, mixed, strict=True)] == [
        bool(octet & 0x20) and 0x61 <= letter <= 0x7A
        for letter, octet in zip(name, octets, strict=True)
    ]
