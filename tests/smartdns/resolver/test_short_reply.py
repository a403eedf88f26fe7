"""Replies made by hand: total over whatever a stranger sends."""

from hypothesis import given
from hypothesis import strategies as st

from smartdns.resolver.short_reply import plain_end

QUERY = b"\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1"
"""After its ID."""


def test_where_a_plain_question_ends() -> None:
    """The name, its type and its class."""
    assert plain_end(QUERY) == len(QUERY)
    assert plain_end(QUERY + b"more") == len(QUERY)


def test_no_query_that_is_cut_off_is_plain() -> None:
    """At every length, one octet before the counts end among them."""
    assert [plain_end(QUERY[:length]) for length in range(len(QUERY))] == [0] * len(QUERY)


@given(st.binary(max_size=64) | st.binary(max_size=40).map(lambda tail: QUERY[:9] + tail))
def test_any_octets_get_an_answer_within_them(key: bytes) -> None:
    """Nothing raises, for it would end the thread that answers everybody."""
    assert 0 <= plain_end(key) <= len(key)
