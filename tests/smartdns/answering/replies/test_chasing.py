"""Where a chain of aliases was left, and what its parts make together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.names import name_of
from smartdns.answering.plan import Record
from smartdns.answering.replies.chasing import joined, unfinished_at
from smartdns.answering.replies.sanitize import LONGEST_CHAIN, sanitize
from tests.smartdns.made import ANY, NXDOMAIN, A, question, record, said, soa_record

CNAME, DNAME, NS, RRSIG, NSEC = 5, 39, 2, 46, 47
ASKED = question("a.example")
ADDRESS = b"\x05\0\0\1"


def alias(name: str, target: str) -> Record:
    """A CNAME."""
    return record(name, CNAME, name_of(target))


def test_a_chain_that_just_ends_is_unfinished() -> None:
    """At its last name, whatever the order of the records."""
    reply = said(ASKED, alias("b.example", "C.example"), alias("a.example", "b.example"))
    assert unfinished_at(ASKED, reply) == name_of("c.example")


def test_a_referral_after_an_alias_is_unfinished() -> None:
    """Whoever knows the first zone only says where the next one would be asked."""
    servers = (record("example.net", NS, name_of("ns.example.net")),)
    reply = said(ASKED, alias("a.example", "b.example.net"), authority=servers)
    assert unfinished_at(ASKED, reply) == name_of("b.example.net")


@pytest.mark.parametrize(
    "reply",
    [
        said(ASKED, record("a.example", A, ADDRESS)),
        said(ASKED),
        said(ASKED, alias("a.example", "b.example"), record("b.example", A, ADDRESS)),
        said(ASKED, alias("a.example", "b.example"), authority=(soa_record("example"),)),
        said(ASKED, alias("a.example", "b.example"), rcode=NXDOMAIN),
        said(ASKED, alias("a.example", "b.example"), alias("b.example", "a.example")),
        said(
            ASKED, *(alias(f"{c}.example", f"{chr(ord(c) + 1)}.example") for c in "abcdefghijklm")
        ),
        said(ASKED, alias("x.example", "y.example")),
    ],
    ids=[
        "an answer",
        "nothing",
        "whole",
        "no such type",
        "no such name",
        "round",
        "long",
        "beside",
    ],
)
def test_there_is_nothing_to_chase(reply: object) -> None:
    """It has an end, is none of ours, or would cost too much."""
    assert unfinished_at(ASKED, reply) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [CNAME, ANY])
def test_who_asks_for_the_alias_gets_the_alias(kind: int) -> None:
    """CNAME and ANY are answered by it (RFC 1034 section 3.6.2)."""
    asked = question("a.example", kind)
    assert unfinished_at(asked, said(asked, alias("a.example", "b.example"))) is None


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True)])
def test_a_chain_is_as_authentic_as_its_parts(first: bool, second: bool) -> None:
    """AD for the whole only where both had it; proofs of both, and the end's SOA."""
    proof = record("example", NSEC, name_of("z.example") + b"\0\1\2")
    begun = said(
        ASKED,
        alias("a.example", "b.example.net"),
        authority=(proof, record("example", NS, name_of("ns.example"))),
        authentic_data=first,
    )
    rest = said(
        question("b.example.net"),
        rcode=NXDOMAIN,
        authority=(soa_record("example.net"),),
        authentic_data=second,
    )
    heard = sanitize(ASKED, joined(begun, rest), dnssec_ok=True)
    assert heard is not None
    assert (heard.rcode, heard.authentic_data) == (NXDOMAIN, first and second)
    assert [r.type for r in heard.answer] == [CNAME]
    assert {r.type for r in heard.authority} == {6, NSEC}


_hosts = st.sampled_from([f"{letter}.example" for letter in "abcdef"])


@given(st.dictionaries(_hosts, _hosts, max_size=6))
def test_every_chase_ends(zone: dict[str, str]) -> None:
    """However the aliases of a zone lead to each other, part by part, in a bounded number."""
    reply = said(ASKED)
    name = ASKED.name
    for _ in range(LONGEST_CHAIN + 1):
        target = next((t for host, t in zone.items() if name_of(host) == name), None)
        label = name[1:2].decode()
        found = [] if target is None else [alias(f"{label}.example", target)]
        reply = joined(reply, said(question(f"{label}.example"), *found))
        further = unfinished_at(ASKED, reply)
        if further is None or further == name:
            return
        name = further
    pytest.fail("it went on")
