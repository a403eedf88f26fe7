"""EDNS options whose form is fixed."""

import pytest

from smartdns.answering.query import Query
from smartdns.answering.rules.cookies import check_cookie
from smartdns.wire.queries import parse_query
from tests.smartdns.made import HOME
from tests.smartdns.wire.malformed import SANE, header, opt, option


def read_with(code: int, data: bytes) -> Query:
    """Read a query that has one option."""
    got = parse_query(header(ar=1) + SANE[0][12:] + opt(option(code, data)))
    assert isinstance(got, Query)
    return got


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (10, b""),
        (10, b"1234"),
        (10, b"123456789"),
        (10, bytes(41)),
        (8, b""),
        (8, b"\0\1\7\0\xff"),
        (8, b"\0\1\x21\0" + bytes(5)),
        (8, b"\0\1\x08\x08\xff"),
        (8, b"\0\3\x08\0\xff"),
    ],
)
def test_a_wrong_option_leaves_the_rest_of_the_query_readable(code: int, data: bytes) -> None:
    """So its FORMERR can have the question and an OPT (RFC 6891 section 6.1.1), but no cookie."""
    got = read_with(code, data)
    assert got.edns is not None
    assert not got.edns.well_formed
    assert check_cookie(got, HOME, bytes(16), 0) is None


@pytest.mark.parametrize(
    ("code", "data"),
    [
        (10, bytes(8)),
        (10, bytes(16)),
        (10, bytes(40)),
        (8, bytes(4)),
        (8, b"\0\1\x08\0\xff"),
        (3, b"x"),
    ],
)
def test_a_right_or_unknown_option_is_nobodys_fault(code: int, data: bytes) -> None:
    """As RFC 7873 and RFC 7871 have them; of others we say nothing."""
    got = read_with(code, data)
    assert got.edns is not None
    assert got.edns.well_formed
