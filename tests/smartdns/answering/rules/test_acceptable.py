"""Which response code a query gets that is well-formed and not answered."""

import pytest

from smartdns.answering.plan import Reply
from smartdns.answering.query import Edns, Name, Query, Signature
from smartdns.answering.rules.acceptable import acceptable_question
from smartdns.answering.rules.cookies import Cookie
from tests.smartdns.made import FORMERR, NOERROR, NOTIMP, REFUSED, A, query

NOTAUTH, BADVERS, BADCOOKIE = 9, 16, 23


@pytest.mark.parametrize(
    ("asked", "rcode"),
    [
        (query("x", opcode=4), NOTIMP),
        (query("x", opcode=15), NOTIMP),
        (query("x", edns=Edns(1232, version=1)), BADVERS),
        (query("x", edns=Edns(1232, version=255), opcode=5), BADVERS),
        (query("x", edns=Edns(1232, well_formed=False)), FORMERR),
        (query("x", edns=Edns(1232, version=1, well_formed=False)), BADVERS),
        (query("x", question=None, edns=Edns(1232, well_formed=False)), FORMERR),
        (query("x", klass=3), REFUSED),
        (query("x", klass=255), REFUSED),
        (query("x", 252), REFUSED),
        (query("x", 251), REFUSED),
        (query("x", recursion_desired=False), REFUSED),
        (query("x", 253), NOTIMP),
        (query("x", 254), NOTIMP),
        (query("x", 41), FORMERR),
        (query("x", 250), FORMERR),
        (query("x", 128), FORMERR),
    ],
)
def test_the_code_it_gets(asked: Query, rcode: int) -> None:
    """As RFC 1035, 6891, 6895, 8906 and 9619 have it."""
    reply = acceptable_question(asked, None)
    assert isinstance(reply, Reply)
    assert reply.rcode == rcode
    assert not reply.answer


@pytest.mark.parametrize("kind", [0, 1, 2, 41 + 1, 65, 127, 255, 256, 65_280, 65_535])
def test_every_type_of_data_may_be_asked_for(kind: int) -> None:
    """Unknown ones as well (RFC 3597)."""
    asked = query("x", kind)
    assert acceptable_question(asked, None) == asked.question


def test_a_signed_query_is_told_that_nobody_shares_its_key() -> None:
    """NOTAUTH with an unsigned TSIG that says BADKEY (RFC 8945 section 5.2.1)."""
    signature = Signature(Name(b"\3key\0"), b"\x0bhmac-sha256\0", bytes(6))
    reply = acceptable_question(query("x", A, signature=signature), None)
    assert isinstance(reply, Reply)
    assert reply.rcode == NOTAUTH
    record = reply.additional[-1]
    assert (record.type, record.klass, record.ttl) == (250, 255, 0)
    assert record.data[-4:] == b"\0\x11\0\0"


@pytest.mark.parametrize(("wrong", "rcode"), [(False, NOERROR), (True, BADCOOKIE)])
def test_a_query_of_no_question_learns_about_its_cookie(wrong: bool, rcode: int) -> None:
    """RFC 7873 section 5.4: NOERROR for a client cookie or a valid one, else BADCOOKIE."""
    asked = query("x", question=None, question_wire=b"")
    reply = acceptable_question(asked, Cookie((10, b""), valid=not wrong, wrong=wrong))
    assert isinstance(reply, Reply)
    assert reply.rcode == rcode
