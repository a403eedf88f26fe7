"""What streams are given from memory is what a decision would give, and no longer than it holds."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dns.message
import pytest

from smartdns.answering.rules.rate_limit import client_key
from smartdns.contract.grants import Profile
from smartdns.resolver.stream_memo import StreamMemo
from tests.smartdns.made import GB
from tests.smartdns.resolver.fast.driven import HERE, Driven, addressing, wire

if TYPE_CHECKING:
    from smartdns.resolver.rendering import Rendered

STRANGER = bytes((192, 0, 2, 1))
FORMS: tuple[dict[str, Any], ...] = (
    {},
    {"use_edns": 0},
    {"name": "WwW.nETflix.com"},
    {"name": "WWW.netflix.com", "use_edns": 0, "payload": 4096},
    {"want_dnssec": True},
    {"name": "www.example.com"},
    {"name": "wWw.example.com", "use_edns": 0},
)


@pytest.fixture
def driven() -> Iterator[Driven]:
    """A household, a catalogue, an upstream and a clock."""
    made = Driven()
    made.upstreams.react = addressing
    yield made
    made.close()


class Household:
    """Asks in a stream, with a memo or without."""

    def __init__(self, driven: Driven, memo: StreamMemo | None) -> None:
        self._driven, self._memo = driven, memo

    def ask(self, query: bytes) -> bytes:
        """Give the reply, as a connection would."""
        memo = self._memo
        if memo is not None:
            memo.look()
        view = None if memo is None else memo.view_of(HERE)
        if memo is not None and view is not None:
            remembered = memo.reply(query, view)
            if remembered is not None:
                return remembered
        replies: list[Rendered] = []
        from_stream = self._driven.source(HERE, "tcp")
        assert self._driven.responder.respond(query, from_stream, replies.append)
        self._driven.upstreams.answer()
        (reply,) = replies
        if memo is not None and view is not None:
            memo.learn(query, view, reply)
        return reply.octets


def test_from_memory_come_the_octets_of_a_decision(driven: Driven) -> None:
    """In every form, as TTLs count down; most of them without one."""
    memo = StreamMemo(driven.responder)
    remembering, deciding = Household(driven, memo), Household(driven, None)
    deciding.ask(wire("www.example.com"))
    deciding.ask(wire("www.example.com", want_dnssec=True))
    for _ in range(4):
        for form in FORMS:
            query = wire(**form)
            assert remembering.ask(query) == deciding.ask(query), form
        driven.seconds += 3
    assert memo.remembered >= 3 * len(FORMS)


def test_what_no_longer_holds_is_not_given(driven: Driven) -> None:
    """Another region, other relays, no grant at all."""
    memo = StreamMemo(driven.responder)
    household = Household(driven, memo)
    first = household.ask(wire())
    assert household.ask(wire()) == first
    driven.allowlist.grants = {HERE: Profile("gb")}
    driven.responder.grants_changed()
    second = household.ask(wire())
    assert second != first
    driven.knowledge.relays = {"gb": GB, "us": GB}
    driven.allowlist.grants = {HERE: Profile("us")}
    driven.responder.grants_changed()
    driven.responder.knowledge_changed()
    assert household.ask(wire()) == second
    driven.allowlist.grants = {}
    driven.responder.grants_changed()
    memo.look()
    assert memo.view_of(HERE) is None


def test_what_was_decided_before_a_change_is_remembered_for_nobody(driven: Driven) -> None:
    """An upstream may take seconds; by then the name may be steered."""
    memo = StreamMemo(driven.responder)
    memo.look()
    view = memo.view_of(HERE)
    assert view is not None
    replies: list[Rendered] = []
    query = wire("www.example.com")
    driven.responder.respond(query, driven.source(HERE, "tcp"), replies.append)
    driven.responder.knowledge_changed()
    driven.upstreams.answer()
    memo.look()
    memo.learn(query, view, replies[0])
    again = memo.view_of(HERE)
    assert again is not None
    assert memo.reply(query, again) is None


def test_networks_are_known_until_grants_change(driven: Driven) -> None:
    """A stranger has none; and nothing is kept of who asked."""
    memo = StreamMemo(driven.responder)
    memo.look()
    assert memo.network_of(HERE) == client_key(HERE, 32)
    assert memo.network_of(STRANGER) is None
    driven.allowlist.grants = {STRANGER: Profile("us")}
    driven.responder.grants_changed()
    memo.look()
    assert memo.network_of(HERE) is None
    assert memo.network_of(STRANGER) == client_key(STRANGER, 32)
    memo.view_of(STRANGER)
    memo.forget_askers()
    assert not memo._networks
    assert not memo._views.known


def test_a_claimed_address_takes_a_decision_each_time(driven: Driven) -> None:
    """Each of its streams shows that it is there."""
    driven.allowlist.grants = {HERE: Profile("us", claimed=True)}
    driven.responder.grants_changed()
    memo = StreamMemo(driven.responder)
    household = Household(driven, memo)
    for query in (wire(), wire("www.example.com")) * 2:
        assert dns.message.from_wire(household.ask(query)).answer
    assert memo.remembered == 0
