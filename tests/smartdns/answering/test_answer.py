"""The decision as a whole: who gets what, in which order."""

import pytest

from smartdns.answering.concluding import conclude
from smartdns.answering.knowledge import Switches
from smartdns.answering.names import name_of
from smartdns.answering.plan import Forward, Plan, Reply, Silence
from smartdns.answering.rules.cookies import Cookie
from smartdns.answering.rules.verified import REMEMBERED_S
from smartdns.contract.grants import Profile
from tests.smartdns.made import (
    DAY,
    HOME,
    HTTPS,
    NOERROR,
    NOW,
    REFUSED,
    SERVFAIL,
    STRANGER,
    TXT,
    US,
    A,
    Few,
    decide,
    knowledge,
    query,
    question,
    record,
    said,
    source,
)


def replied(plan: Plan) -> Reply:
    """Narrow a plan to a reply."""
    assert isinstance(plan, Reply)
    return plan


def test_a_registered_address_is_steered() -> None:
    """A streaming name leads to the relay of the household's region, for a minute."""
    reply = replied(decide(query("www.netflix.com"), source(), knowledge(), NOW, DAY))
    assert [(r.data, r.ttl) for r in reply.answer] == [(US.ipv4[0], 60)]
    assert reply.error is not None
    assert reply.error.code == 4


def test_everything_else_is_forwarded_and_then_remembered() -> None:
    """An ordinary name is asked for once, and answered from memory with its TTL counted down."""
    known = knowledge()
    asked = decide(query("example.com"), source(), known, NOW, DAY)
    assert isinstance(asked, Forward)
    heard = said(question("example.com"), record("example.com", A, b"\x5d\xb8\xd8\x22"))
    first = conclude(asked, heard, known, NOW)
    later = replied(decide(query("example.com"), source(), known, NOW + 10, DAY))
    assert [r.ttl for r in first.answer] == [300]
    assert [r.ttl for r in later.answer] == [290]


def test_silence_of_every_upstream_is_servfail() -> None:
    """With nothing stale to fall back to, the error says that nobody could be reached."""
    known = knowledge()
    asked = decide(query("example.com"), source(), known, NOW, DAY)
    assert isinstance(asked, Forward)
    reply = conclude(asked, None, known, NOW)
    assert reply.rcode == SERVFAIL
    assert reply.error is not None
    assert reply.error.code == 22


@pytest.mark.parametrize(("loaded", "code"), [(True, 18), (False, 14)])
def test_a_stranger_is_refused(loaded: bool, code: int) -> None:
    """Whatever is asked for; the error says whether the allowlist was ever loaded."""
    known = knowledge(allowlist=Few(loaded=loaded))
    for name in ("www.netflix.com", "example.com", "localhost", "x.check.dns.example.net"):
        for kind in (A, TXT, HTTPS):
            reply = replied(decide(query(name, kind), source(STRANGER), known, NOW, DAY))
            assert reply.rcode == REFUSED
            assert reply.error is not None
            assert reply.error.code == code


def test_port_0_gets_silence() -> None:
    """Nobody can receive there, so it is forged."""
    plan = decide(query("example.com"), source(port=0), knowledge(), NOW, DAY)
    assert isinstance(plan, Silence)


def test_an_expired_grant_is_no_grant() -> None:
    """The last day counts, the day after does not."""
    known = knowledge(Profile(region="us", last_day=DAY))
    assert replied(decide(query("www.netflix.com"), source(), known, NOW, DAY)).rcode == NOERROR
    assert replied(decide(query("www.netflix.com"), source(), known, NOW, DAY + 1)).rcode == REFUSED


def test_open_names_are_answered_to_strangers_and_nothing_else_is() -> None:
    """A home whose address changed still reaches the page, by a switch that is off by default."""
    known = knowledge(switches=Switches(open_names=frozenset({name_of("dns.example.net")})))
    asked = decide(query("dns.example.net"), source(STRANGER), known, NOW, DAY)
    assert isinstance(asked, Forward)
    odd = query("dns.example.net", recursion_desired=False)
    for asked_amiss in (query("example.com"), odd):
        refused = replied(decide(asked_amiss, source(STRANGER), known, NOW, DAY))
        assert (refused.rcode, refused.answer) == (REFUSED, ())


def test_a_claimed_address_must_show_itself_first() -> None:
    """Over UDP without a cookie it gets the question with TC, over TCP the answer."""
    known = knowledge(Profile(region="us", claimed=True))
    over_udp = replied(decide(query("www.netflix.com"), source(HOME), known, NOW, DAY))
    assert over_udp.truncated
    assert not over_udp.answer
    over_tcp = source(HOME, transport="tcp")
    assert replied(decide(query("www.netflix.com"), over_tcp, known, NOW, DAY)).answer


def test_a_claimed_address_that_has_shown_itself_is_answered_for_a_while() -> None:
    """By TCP or by a cookie; each address for itself, and nobody repeats its answer to others."""
    known = knowledge(Profile(region="us", claimed=True))
    good = Cookie((10, b""), valid=True, wrong=False)
    asked = query("www.netflix.com")
    assert replied(decide(asked, source(HOME), known, NOW, DAY, good)).answer
    later = replied(decide(asked, source(HOME), known, NOW + REMEMBERED_S, DAY))
    assert later.answer
    assert (later.constant, later.valid_until) == (False, 0)
    assert isinstance(decide(query("example.com"), source(HOME), known, NOW, DAY), Forward)
    much_later = NOW + 3 * REMEMBERED_S
    assert replied(decide(asked, source(HOME), known, much_later, DAY)).truncated
