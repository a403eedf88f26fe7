"""What is a reply to a query that was sent, and what only looks like one."""

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.memory.exchange import Attempt
from smartdns.answering.numbers import FORMERR, NOTIMP
from smartdns.upstream.group import Group
from smartdns.upstream.sent_query import SentQuery
from smartdns.wire.queries import render_query
from tests.peers.odd_name_server import Reaction, address_of_everything
from tests.smartdns.upstream import reactions
from tests.smartdns.upstream.asking import question, upstream
from tests.smartdns.upstream.peer import REACTOR

PLAN = question("abcdefghijklmnop.example")
(NOBODY,) = Group.at(REACTOR, [upstream(1)]).members
NOISE = int("2000" * 128, 16)


def sent(*, mixed_case: bool = True) -> SentQuery:
    """Give a query that was sent to an upstream that no test asks."""
    message = render_query(PLAN, b"\x12\x34", NOISE if mixed_case else 0)
    return SentQuery(Attempt(0, False, mixed_case), NOBODY, message, 0.0)


def octets(reply: Reaction) -> bytes:
    """Give a reaction as it is sent."""
    assert reply is not None
    assert isinstance(reply, bytes | dns.message.Message)
    return reply if isinstance(reply, bytes) else reply.to_wire()


@pytest.mark.parametrize("mixed_case", [True, False])
def test_what_repeats_id_and_question_is_its_reply(*, mixed_case: bool) -> None:
    """Octet for octet, whatever it says."""
    query = sent(mixed_case=mixed_case)
    asked = dns.message.from_wire(query.message)
    for react in (address_of_everything, reactions.failing, reactions.in_a_stream):
        reply = query.reply_in(octets(react(asked, "udp")), PLAN.question)
        assert reply is not None
        assert query.repeats_question(reply)


def test_a_reply_that_lost_the_case_is_told_apart() -> None:
    """It may be the upstream's or a forger's; where no case was sent there is none to lose."""
    lower = octets(reactions.in_lower_case(dns.message.from_wire(sent().message), "udp"))
    reply = sent().reply_in(lower, PLAN.question)
    assert reply is not None
    assert not sent().repeats_question(reply)
    mixed = octets(address_of_everything(dns.message.from_wire(sent().message), "udp"))
    assert sent(mixed_case=False).reply_in(mixed, PLAN.question) is None


@pytest.mark.parametrize("mixed_case", [True, False])
@pytest.mark.parametrize("forge", reactions.FORGERIES)
def test_a_forgery_is_none(forge: object, *, mixed_case: bool) -> None:
    """One octet of ID or question is enough."""
    query = sent(mixed_case=mixed_case)
    forged = octets(forge(dns.message.from_wire(query.message)))  # type: ignore[operator]
    assert query.reply_in(forged, PLAN.question) is None


@pytest.mark.parametrize("rcode", range(16))
def test_only_who_could_not_read_the_query_may_leave_the_question_out(rcode: int) -> None:
    """FORMERR and NOTIMP; with anything else it would be a reply to whatever was asked."""
    bare = b"\x12\x34\x80" + bytes((rcode,)) + bytes(8)
    assert (sent().reply_in(bare, PLAN.question) is not None) is (rcode in {FORMERR, NOTIMP})


@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: b"\x12\x34\x80" + tail))
def test_no_octets_make_it_trip(data: bytes) -> None:
    """Whatever comes to its port."""
    reply = sent().reply_in(data, PLAN.question)
    assert reply is None or data.startswith(b"\x12\x34")


@given(st.integers(0, 1_000), st.integers(0, 255))
def test_one_octet_that_differs_in_id_or_question_makes_it_none(at: int, octet: int) -> None:
    """But for the case of letters, which is told apart."""
    query = sent()
    reply = bytearray(octets(address_of_everything(dns.message.from_wire(query.message), "udp")))
    places = [0, 1, *range(12, 12 + len(PLAN.question.name) + 4)]
    place = places[at % len(places)]
    changed, reply[place] = reply[place] != octet, octet
    found = query.reply_in(bytes(reply), PLAN.question)
    if not changed:
        assert found is not None
    elif found is not None:
        assert not query.repeats_question(found)
        assert found.question == PLAN.question
