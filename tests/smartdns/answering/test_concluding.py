"""What becomes of an upstream's words, and of its silence."""

import pytest

from smartdns.answering.concluding import conclude, recall
from smartdns.answering.knowledge import ALWAYS_PRIVATE, Knowledge, Switches
from smartdns.answering.memory.cache import STALE_S
from smartdns.answering.names import name_of
from smartdns.answering.plan import ExtendedError, Forward, Reply
from smartdns.answering.query import Edns
from tests.smartdns.made import (
    ANY,
    DAY,
    NOERROR,
    NOTIMP,
    NOW,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    TXT,
    A,
    decide,
    knowledge,
    query,
    question,
    record,
    said,
    soa_record,
    source,
)

ONE = b"\x05\0\0\1"
EXAMPLE = Forward(question("example.com"), dnssec_ok=False, checking_disabled=False)


def learn(known: Knowledge, ttl: int = 300, now: float = NOW) -> Reply:
    """Let an upstream answer for example.com."""
    reply = said(EXAMPLE.question, record("example.com", A, ONE, ttl))
    return conclude(EXAMPLE, reply, known, now)


def code_of(reply: Reply) -> int | None:
    """The extended error's code."""
    return None if reply.error is None else reply.error.code


def test_a_dead_upstream_leaves_stale_answers() -> None:
    """TTL 30 and EDE 3, for a day after expiry (RFC 8767); then SERVFAIL and EDE 22."""
    known = knowledge()
    learn(known, ttl=60)
    stale = conclude(EXAMPLE, None, known, NOW + 3_600)
    assert [(r.data, r.ttl) for r in stale.answer] == [(ONE, 30)]
    assert (stale.rcode, code_of(stale), stale.valid_until) == (NOERROR, 3, 0)
    late = conclude(EXAMPLE, None, known, NOW + 61 + STALE_S)
    assert (late.rcode, code_of(late)) == (SERVFAIL, 22)


def test_a_stale_absence_says_so() -> None:
    """NXDOMAIN past its time has a code of its own, EDE 19."""
    known = knowledge()
    absent = said(EXAMPLE.question, rcode=NXDOMAIN, authority=(soa_record("com"),))
    conclude(EXAMPLE, absent, known, NOW)
    stale = conclude(EXAMPLE, None, known, NOW + 10_000)
    assert (stale.rcode, code_of(stale)) == (NXDOMAIN, 19)


@pytest.mark.parametrize(
    ("rcode", "reason"), [(SERVFAIL, 22), (REFUSED, 22), (NOTIMP, 23), (1, 23), (16, 23)]
)
def test_an_upstreams_error_is_servfail_here(rcode: int, reason: int) -> None:
    """REFUSED from us means "not registered", so it is never passed on; the reason is said."""
    reply = conclude(EXAMPLE, said(EXAMPLE.question, rcode=rcode), knowledge(), NOW)
    assert (reply.rcode, code_of(reply)) == (SERVFAIL, reason)


def test_an_upstreams_reason_is_passed_on() -> None:
    """EDE 6 (DNSSEC Bogus) tells the device's owner more than SERVFAIL alone."""
    bogus = said(EXAMPLE.question, rcode=SERVFAIL, error=ExtendedError(6))
    assert code_of(conclude(EXAMPLE, bogus, knowledge(), NOW)) == 6


def test_a_failure_is_not_repeated_at_once() -> None:
    """Within its second nobody is asked again, and the reason is the same (RFC 9520)."""
    known = knowledge()
    assert recall(EXAMPLE, known, NOW) == EXAMPLE
    conclude(EXAMPLE, None, known, NOW)
    again = recall(EXAMPLE, known, NOW + 0.5)
    assert isinstance(again, Reply)
    assert (again.rcode, code_of(again)) == (SERVFAIL, 22)
    assert recall(EXAMPLE, known, NOW + 1) == EXAMPLE


def test_an_answer_about_to_expire_is_asked_for_again() -> None:
    """In the last tenth of its time a query gets the answer and is a reason to refresh it."""
    known = knowledge()
    learn(known, ttl=100)
    early = recall(EXAMPLE, known, NOW + 89)
    late = recall(EXAMPLE, known, NOW + 91)
    assert isinstance(early, Reply)
    assert isinstance(late, Reply)
    assert (early.refresh, early.valid_until) == (None, NOW + 90)
    assert (late.refresh, late.valid_until) == (EXAMPLE, 0)
    assert [r.ttl for r in late.answer] == [9]


def test_a_refresh_that_failed_is_not_tried_with_every_query() -> None:
    """The failure cache holds for it, too, and the answer lives on to its end."""
    known = knowledge()
    learn(known, ttl=100)
    conclude(EXAMPLE, None, known, NOW + 91)
    again = recall(EXAMPLE, known, NOW + 91.5)
    assert isinstance(again, Reply)
    assert again.refresh is None
    assert again.error is None


def test_a_short_lived_answer_is_simply_asked_again() -> None:
    """Below ten seconds a refresh would be most of the traffic."""
    known = knowledge()
    learn(known, ttl=9)
    reply = recall(EXAMPLE, known, NOW + 8)
    assert isinstance(reply, Reply)
    assert reply.refresh is None


def test_nxdomain_of_a_steered_name_becomes_nodata() -> None:
    """A stub that asked for TXT must not take the name for absent; also from the cache."""
    known = knowledge()
    asked = decide(query("www.netflix.com", TXT), source(), known, NOW, DAY)
    assert isinstance(asked, Forward)
    absent = said(asked.question, rcode=NXDOMAIN, authority=(soa_record("com"),))
    first = conclude(asked, absent, known, NOW)
    second = decide(query("www.netflix.com", TXT), source(), known, NOW + 1, DAY)
    assert isinstance(second, Reply)
    for reply in (first, second):
        assert (reply.rcode, reply.answer) == (NOERROR, ())
        assert [r.name for r in reply.authority] == [name_of("netflix.com")]


def test_private_addresses_are_filtered_before_they_are_kept() -> None:
    """A public name that leads into the home gets NODATA and EDE 15, now and from memory."""
    known = knowledge()
    home = said(EXAMPLE.question, record("example.com", A, b"\xc0\xa8\1\1"))
    first = conclude(EXAMPLE, home, known, NOW)
    second = recall(EXAMPLE, known, NOW + 1)
    assert isinstance(second, Reply)
    for reply in (first, second):
        assert (reply.rcode, reply.answer, code_of(reply)) == (NOERROR, (), 15)


@pytest.mark.parametrize(
    ("switches", "name"),
    [
        (Switches(filter_private_answers=False), "example.com"),
        (Switches(private_suffixes=frozenset({name_of("example.com")})), "nas.example.com"),
        (Switches(private_suffixes=ALWAYS_PRIVATE), "192-168-1-1.abc.plex.direct"),
    ],
)
def test_private_addresses_may_be_allowed(switches: Switches, name: str) -> None:
    """By the switch, by suffix, and for players that depend on it."""
    asked = Forward(question(name), dnssec_ok=False, checking_disabled=False)
    home = said(asked.question, record(name, A, b"\xc0\xa8\1\1"))
    reply = conclude(asked, home, knowledge(switches=switches), NOW)
    assert len(reply.answer) == 1


def test_an_upstream_that_does_not_implement_any() -> None:
    """Public resolvers answer NOTIMP; the device gets the minimal answer (RFC 8482)."""
    asked = Forward(question("example.com", ANY), dnssec_ok=False, checking_disabled=False)
    reply = conclude(asked, said(asked.question, rcode=NOTIMP), knowledge(), NOW)
    assert [r.type for r in reply.answer] == [13]


def test_do_and_cd_go_upstream_and_nothing_else_does() -> None:
    """A subnet, a cookie or any other option of the query stays here (RFC 7871)."""
    options = ((8, b"\0\1\x18\0\xc0\0\2"), (10, b"client!!"), (65_001, b"x"))
    asked = query(
        "example.com", edns=Edns(4096, dnssec_ok=True, options=options), checking_disabled=True
    )
    plan = decide(asked, source(), knowledge(), NOW, DAY)
    assert plan == Forward(question("example.com"), dnssec_ok=True, checking_disabled=True)
