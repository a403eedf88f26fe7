"""Aliases that a DNAME makes, whether the upstream says them or not."""

import pytest

from smartdns.answering.plan import Record
from smartdns.answering.replies.chasing import unfinished_at
from smartdns.answering.replies.dname import synthesize_cnames
from smartdns.answering.replies.sanitize import sanitize
from tests.smartdns.made import NOERROR, A, name_of, question, record, said

CNAME, DNAME, YXDOMAIN = 5, 39, 6
ASKED = question("www.tree.example")
REDIRECT = record("tree.example", DNAME, name_of("leaf.example.net"), 200)
MADE = record("www.tree.example", CNAME, name_of("www.leaf.example.net"), 200)
ADDRESS = record("www.leaf.example.net", A, bytes((9, 9, 9, 9)))


def as_tuples(records: tuple[Record, ...]) -> list[tuple[bytes, int, int, bytes]]:
    """What is in records, since they show nothing of themselves."""
    return [(r.name, r.type, r.ttl, r.data) for r in records]


@pytest.mark.parametrize(
    "answer",
    [
        (REDIRECT, ADDRESS),
        (REDIRECT, MADE, ADDRESS),
        (REDIRECT, record("www.tree.example", CNAME, name_of("elsewhere.example")), ADDRESS),
    ],
    ids=["left out", "said", "another one"],
)
def test_a_redirect_is_taken_at_its_word(answer: tuple[Record, ...]) -> None:
    """DNAME, the CNAME that it makes with its TTL (RFC 6672 section 3.1), and what is there."""
    heard = sanitize(ASKED, synthesize_cnames(ASKED, said(ASKED, *answer)), dnssec_ok=False)
    assert heard is not None
    assert as_tuples(heard.answer) == as_tuples((REDIRECT, MADE, ADDRESS))


def test_a_redirect_alone_is_to_be_chased() -> None:
    """Where it leads is asked next."""
    assert unfinished_at(ASKED, synthesize_cnames(ASKED, said(ASKED, REDIRECT))) == ADDRESS.name


def test_aliases_and_redirects_in_turn_are_followed() -> None:
    """A CNAME into the tree, out of it, and through a second tree."""
    asked = question("start.example")
    first = record("start.example", CNAME, ASKED.name)
    second = record("example.net", DNAME, name_of("example.org"))
    got = synthesize_cnames(asked, said(asked, first, REDIRECT, second))
    aliases = [(r.name, r.data) for r in got.answer if r.type == CNAME]
    assert aliases == [
        (asked.name, ASKED.name),
        (ASKED.name, ADDRESS.name),
        (ADDRESS.name, name_of("www.leaf.example.org")),
    ]


def test_the_name_of_a_redirect_is_not_redirected_itself() -> None:
    """It redirects what is below it (RFC 6672 section 2.3)."""
    asked = question("tree.example")
    assert synthesize_cnames(asked, said(asked, REDIRECT)).answer == (REDIRECT,)


def test_asked_for_the_alias_it_is_the_answer() -> None:
    """A query for CNAME goes no further."""
    asked = question("www.tree.example", CNAME)
    heard = sanitize(asked, synthesize_cnames(asked, said(asked, REDIRECT)), dnssec_ok=False)
    assert heard is not None
    assert as_tuples(heard.answer) == as_tuples((REDIRECT, MADE))


def test_a_name_that_becomes_too_long_is_yxdomain() -> None:
    """RFC 6672 section 2.2, with the DNAME that did it."""
    long = ".".join(["x" * 63] * 3)
    redirect = record("tree.example", DNAME, name_of(long))
    asked = question("y" * 63 + ".tree.example")
    got = synthesize_cnames(asked, said(asked, redirect))
    assert (got.rcode, got.answer) == (YXDOMAIN, (redirect,))
    heard = sanitize(asked, got, dnssec_ok=False)
    assert heard is not None
    assert heard.rcode == YXDOMAIN


def test_redirects_in_a_circle_end() -> None:
    """A tree below itself, and two that lead to each other, are believed nothing."""
    circle = (
        record("a.example", DNAME, name_of("b.example")),
        record("b.example", DNAME, name_of("a.example")),
    )
    asked = question("www.a.example")
    got = synthesize_cnames(asked, said(asked, *circle))
    assert got.rcode == NOERROR
    assert sanitize(asked, got, dnssec_ok=False) is None
