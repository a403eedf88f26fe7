"""What of an upstream's reply is believed."""

from itertools import pairwise

import pytest

from smartdns.answering.names import name_of
from smartdns.answering.plan import Record
from smartdns.answering.replies.sanitize import LONGEST_CHAIN, LONGEST_TTL, sanitize
from tests.smartdns.made import (
    AAAA,
    ANY,
    NOERROR,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    TXT,
    A,
    question,
    record,
    said,
    soa_record,
)

CNAME, NS, SOA, DNAME, DS, RRSIG, NSEC = 5, 2, 6, 39, 43, 46, 47
ONE, TWO = b"\x05\0\0\1", b"\x05\0\0\2"
ASKED = question("www.example.com")


def alias(name: str, target: str, ttl: int = 300) -> Record:
    """A CNAME."""
    return record(name, CNAME, name_of(target), ttl)


def signature(name: str, covered: int, ttl: int = 300) -> Record:
    """An RRSIG over RRs of a type."""
    data = covered.to_bytes(2) + bytes(16) + name_of("example.com") + b"sig"
    return record(name, RRSIG, data, ttl)


def test_an_rrset_has_one_ttl_the_lowest() -> None:
    """Records of one set with different TTLs get the lowest (RFC 2181 section 5.2)."""
    reply = said(
        ASKED, record("www.example.com", A, ONE, 300), record("www.example.com", A, TWO, 20)
    )
    heard = sanitize(ASKED, reply, dnssec_ok=False)
    assert heard is not None
    assert [r.ttl for r in heard.answer] == [20, 20]
    assert heard.ttl == 20


@pytest.mark.parametrize(("ttl", "kept"), [(2**31, 0), (2**32 - 1, 0), (10**6, LONGEST_TTL)])
def test_odd_ttls(ttl: int, kept: int) -> None:
    """With the highest bit set it counts as 0 (RFC 2181 section 8); no answer lives for weeks."""
    heard = sanitize(ASKED, said(ASKED, record("www.example.com", A, ONE, ttl)), dnssec_ok=False)
    assert heard is not None
    assert heard.ttl == kept
    assert heard.answer[0].ttl == kept


def test_the_same_record_twice_is_one() -> None:
    """A set has no duplicates (RFC 2181 section 5)."""
    twice = (record("www.example.com", A, ONE),) * 2
    heard = sanitize(ASKED, said(ASKED, *twice), dnssec_ok=False)
    assert heard is not None
    assert len(heard.answer) == 1


def test_only_what_was_asked_for_is_kept() -> None:
    """Other names, other types and other classes are dropped, wherever they stand (RFC 5452)."""
    poison = record("www.bank.example", A, ONE)
    reply = said(
        ASKED,
        record("www.example.com", A, ONE),
        record("www.example.com", AAAA, bytes(16)),
        Record(name_of("www.example.com"), A, 3, 300, TWO),
        poison,
        authority=(record("example.com", NS, name_of("ns.evil.example")), poison),
    )
    heard = sanitize(ASKED, reply, dnssec_ok=False)
    assert heard is not None
    assert [(r.name, r.data) for r in heard.answer] == [(name_of("www.example.com"), ONE)]
    assert heard.authority == ()


def test_a_chain_is_followed_in_any_order_and_case() -> None:
    """CNAME targets in mixed case lead on; the whole chain is answered."""
    reply = said(
        ASKED,
        record("c.example.net", A, ONE, 60),
        Record(name_of("www.example.com"), CNAME, 1, 50, b"\1B\7eXample\3net\0"),
        alias("b.example.net", "c.example.net", 40),
    )
    heard = sanitize(ASKED, reply, dnssec_ok=False)
    assert heard is not None
    assert [r.type for r in heard.answer] == [CNAME, CNAME, A]
    assert heard.ttl == 40


def test_a_chain_may_have_so_many_links_and_no_more() -> None:
    """Work per reply is bounded."""

    def chain(links: int) -> tuple[Record, ...]:
        names = ["www.example.com", *(f"n{number}.example.com" for number in range(links))]
        return (*(alias(a, b) for a, b in pairwise(names)), record(names[-1], A, ONE))

    assert sanitize(ASKED, said(ASKED, *chain(LONGEST_CHAIN)), dnssec_ok=False) is not None
    assert sanitize(ASKED, said(ASKED, *chain(LONGEST_CHAIN + 1)), dnssec_ok=False) is None


def test_a_loop_and_two_aliases_are_no_answer() -> None:
    """A name with two canonical names, or that is its own alias, answers nothing."""
    loop = (alias("www.example.com", "b.example.com"), alias("b.example.com", "www.example.com"))
    both = (alias("www.example.com", "b.example.com"), alias("www.example.com", "c.example.com"))
    assert sanitize(ASKED, said(ASKED, *loop), dnssec_ok=False) is None
    assert sanitize(ASKED, said(ASKED, *both), dnssec_ok=False) is None


def test_a_dname_comes_with_the_alias_it_makes() -> None:
    """RFC 6672: the redirect above the name and the CNAME that follows from it."""
    reply = said(
        ASKED,
        record("example.com", DNAME, name_of("example.net")),
        alias("www.example.com", "www.example.net"),
        record("www.example.net", A, ONE),
    )
    heard = sanitize(ASKED, reply, dnssec_ok=False)
    asked = question("www.example.com", CNAME)
    alias_alone = sanitize(asked, said(asked, *reply.answer), dnssec_ok=False)
    assert heard is not None
    assert alias_alone is not None
    assert [r.type for r in heard.answer] == [DNAME, CNAME, A]
    assert [r.type for r in alias_alone.answer] == [DNAME, CNAME]


def test_asking_for_the_alias_gives_the_alias() -> None:
    """QTYPE CNAME is answered by the CNAME itself (RFC 1034 section 3.6.2)."""
    asked = question("www.example.com", CNAME)
    heard = sanitize(asked, said(asked, alias("www.example.com", "b.example.com")), dnssec_ok=False)
    assert heard is not None
    assert len(heard.answer) == 1


@pytest.mark.parametrize("rcode", [NOERROR, NXDOMAIN])
@pytest.mark.parametrize(
    ("ttl", "minimum", "kept"), [(600, 300, 300), (100, 300, 100), (10**6, 10**6, 10_800)]
)
def test_absence_lives_as_long_as_the_soa_says(
    rcode: int, ttl: int, minimum: int, kept: int
) -> None:
    """The lower of TTL and minimum, three hours at most (RFC 2308 section 5), shown in the SOA."""
    reply = said(ASKED, rcode=rcode, authority=(soa_record("example.com", ttl, minimum),))
    heard = sanitize(ASKED, reply, dnssec_ok=False)
    assert heard is not None
    assert (heard.rcode, heard.ttl, heard.authority[0].ttl) == (rcode, kept, kept)
    assert heard.denies_name == (rcode == NXDOMAIN)


def test_absence_without_a_soa_of_the_name_is_for_the_asker_alone() -> None:
    """Neither no SOA nor one of somebody else's zone allows to keep it (RFC 2308 section 5)."""
    for authority in ((), (soa_record("example.net"),), (soa_record("x.www.example.com"),)):
        heard = sanitize(ASKED, said(ASKED, rcode=NXDOMAIN, authority=authority), dnssec_ok=False)
        assert heard is not None
        assert (heard.ttl, heard.authority) == (0, ())


def test_a_referral_is_no_answer() -> None:
    """An authoritative server that sends us elsewhere has denied nothing (RFC 2308 section 2.2)."""
    elsewhere = record("example.com", NS, name_of("ns.example.com"))
    assert sanitize(ASKED, said(ASKED, authority=(elsewhere,)), dnssec_ok=False) is None
    both = said(ASKED, authority=(elsewhere, soa_record("example.com")))
    assert sanitize(ASKED, both, dnssec_ok=False) is not None


def test_an_alias_to_an_absent_name_does_not_deny_the_alias() -> None:
    """NXDOMAIN at the end of a chain is about the end (RFC 2308 section 2.1)."""
    reply = said(
        ASKED,
        alias("www.example.com", "gone.example.com"),
        rcode=NXDOMAIN,
        authority=(soa_record("example.com"),),
    )
    heard = sanitize(ASKED, reply, dnssec_ok=False)
    assert heard is not None
    assert (heard.rcode, heard.denies_name, heard.ttl) == (NXDOMAIN, False, 300)


def test_signatures_are_for_those_who_asked() -> None:
    """With DO they and the denials come along, without they are left out."""
    reply = said(
        ASKED,
        record("www.example.com", A, ONE),
        signature("www.example.com", A),
        signature("www.example.com", TXT),
        authority=(record("example.com", NSEC, name_of("z.example.com") + b"\0\1\2"),),
        authentic_data=True,
    )
    plain = sanitize(ASKED, reply, dnssec_ok=False)
    proved = sanitize(ASKED, reply, dnssec_ok=True)
    assert plain is not None
    assert proved is not None
    assert [r.type for r in plain.answer + plain.authority] == [A]
    assert [r.type for r in proved.answer + proved.authority] == [A, RRSIG, NSEC]
    assert proved.authentic_data


def test_a_parent_that_knows_no_zone_does_not_deny_it() -> None:
    """NXDOMAIN for DS comes from above: a home's or a firm's own zone exists all the same."""
    asked = question("corp.example.com", DS)
    reply = said(asked, rcode=NXDOMAIN, authority=(soa_record("example.com"),))
    heard = sanitize(asked, reply, dnssec_ok=False)
    assert heard is not None
    assert (heard.rcode, heard.denies_name) == (NXDOMAIN, False)


def test_no_signature_comes_without_what_it_signs() -> None:
    """Of the authority's NS and SOA nothing is kept in an answer, and so no signature over them."""
    denial = record("example.com", NSEC, name_of("z.example.com") + b"\0\1\2")
    signatures = [signature("example.com", kind) for kind in (NS, SOA, NSEC)]
    authority = (record("example.com", NS, name_of("ns.example.com")), denial, *signatures)
    answer = record("www.example.com", A, ONE), signature("www.example.com", A)
    heard = sanitize(ASKED, said(ASKED, *answer, authority=authority), dnssec_ok=True)
    assert heard is not None
    assert heard.answer == answer
    assert heard.authority == (denial, signature("example.com", NSEC))


def test_any_gets_one_set_of_what_there_is() -> None:
    """A subset answers ANY (RFC 8482 section 4.1), so it amplifies nothing."""
    asked = question("www.example.com", ANY)
    reply = said(
        asked,
        record("www.example.com", TXT, b"\1a"),
        record("www.example.com", A, ONE),
        record("www.example.com", A, TWO),
        record("www.example.com", TXT, b"\1b"),
    )
    heard = sanitize(asked, reply, dnssec_ok=False)
    assert heard is not None
    assert {r.type for r in heard.answer} == {TXT}
    assert len(heard.answer) == 2


@pytest.mark.parametrize("rcode", [1, SERVFAIL, 4, REFUSED, 9, 16])
def test_an_error_is_no_answer(rcode: int) -> None:
    """What an upstream could not or would not answer counts as a failure."""
    assert sanitize(ASKED, said(ASKED, rcode=rcode), dnssec_ok=False) is None
