"""What changes while queries are on their way: nothing that no longer holds is given or kept."""

import itertools
import socket
from collections.abc import Callable, Iterator
from typing import Any

import dns.message
import pytest

from smartdns.answering.knowledge import RelayAddresses
from smartdns.contract.grants import OFF, Profile
from smartdns.resolver.fast.memo import MAX_VIEWS
from tests.smartdns.made import GB, US
from tests.smartdns.resolver.fast.driven import HERE, STEERED, Driven, addressing, wire

IN_US, IN_GB = "5.0.0.1", "6.0.0.1"
QUERY = wire()
DAY_S = 86_400


@pytest.fixture
def driven() -> Iterator[Driven]:
    """One household, steered to a region of its choice."""
    made = Driven()
    yield made
    made.close()


def addresses(*replies: bytes) -> list[str]:
    """Give the first address of each reply, or its response code."""
    messages = [dns.message.from_wire(each) for each in replies]
    return [
        str(each.answer[0][0]) if each.answer else dns.rcode.to_text(each.rcode())
        for each in messages
    ]


def choose(driven: Driven, profile: Profile | None) -> None:
    """Let the household be granted something else."""
    driven.allowlist.grants = {} if profile is None else {HERE: profile}
    driven.responder.grants_changed()


class Meanwhile(dict[str, RelayAddresses]):
    """Relays; once they have been read for a decision, something happens."""

    happens: Callable[[], object] | None = None

    def get(self, region: str, default: Any = None) -> Any:
        """Give a region's; what happens then changes it for the next decision alone."""
        found = super().get(region, default)
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return found


def taken(driven: Driven, query: bytes) -> Any:
    """Let a miss be taken, and not yet worked on; give who sent it."""
    client = driven.client()
    client.ask(query)
    assert driven.batch.receive(wait=False) == 1
    driven.loop._take_note(driven.seconds)
    driven.loop._answer()(1, driven.seconds)
    assert len(driven.misses.waiting) == 1
    return client


@pytest.mark.parametrize(
    ("profile", "expected"),
    [(Profile("gb"), IN_GB), (None, "REFUSED"), (Profile("us", {"netflix": OFF}), None)],
    ids=["another region", "nothing", "not this service"],
)
def test_a_grant_that_changes_before_a_miss_is_worked_on_holds_for_it(
    driven: Driven, profile: Profile | None, expected: str | None
) -> None:
    """It is decided with the new one, and nothing is remembered for those who have the former."""
    client = taken(driven, QUERY)
    former = driven.misses.views.known[HERE]
    assert former is not None
    choose(driven, profile)
    driven.run(lambda: None)
    assert addresses(*client.replies()) == ([] if expected is None else [expected])
    assert driven.misses.asked == (expected is None)
    driven.upstreams.answer()
    assert not former.current.young
    assert not former.current.old


def test_a_grant_that_changes_as_a_miss_is_worked_on_holds_from_the_next_turn(
    driven: Driven,
) -> None:
    """What is given to it then is the former's, and is remembered as such alone."""
    client = driven.client()
    driven.knowledge.relays = relays = Meanwhile(driven.knowledge.relays)
    relays.happens = lambda: choose(driven, Profile("gb"))
    assert addresses(*driven.answers(client, QUERY)) == [IN_US]
    for _ in range(3):
        assert addresses(*driven.answers(client, QUERY)) == [IN_GB]
    choose(driven, Profile("us"))
    assert addresses(*driven.answers(client, QUERY)) == [IN_US]


def test_what_is_decided_while_knowledge_changes_is_given_once_and_forgotten(
    driven: Driven,
) -> None:
    """The decision may have seen the former relays; the next one sees those of now."""
    client = driven.client()
    driven.knowledge.relays = relays = Meanwhile(driven.knowledge.relays)

    def change() -> None:
        driven.knowledge.relays = {"us": GB, "gb": US}
        driven.responder.knowledge_changed()

    relays.happens = change
    assert addresses(*driven.answers(client, QUERY)) == [IN_US]
    for _ in range(3):
        assert addresses(*driven.answers(client, QUERY)) == [IN_GB]
    assert len(driven.sent) == 2


def test_a_change_of_knowledge_reaches_what_is_remembered_and_what_waits(driven: Driven) -> None:
    """Before the next batch is answered, whoever asks."""
    knows = driven.client()
    driven.answers(knows, QUERY)
    waits = taken(driven, wire("a.netflix.com"))
    driven.knowledge.relays = {"us": GB}
    driven.responder.knowledge_changed()
    assert addresses(*driven.answers(knows, QUERY)) == [IN_GB]
    assert addresses(*waits.replies()) == [IN_GB]


def test_who_is_let_in_or_out_hears_so_with_the_next_batch(driven: Driven) -> None:
    """A stranger that was refused a moment ago, a household that was remembered."""
    client = driven.client("127.0.0.2")
    stranger = socket.inet_aton("127.0.0.2")
    for grants, expected in (({}, "REFUSED"), ({stranger: Profile("gb")}, IN_GB), ({}, "REFUSED")):
        driven.allowlist.grants = dict(grants)
        driven.responder.grants_changed()
        for _ in range(3):
            assert addresses(*driven.answers(client, QUERY)) == [expected]


def test_a_grant_ends_with_its_last_day(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the wall clock's UTC day, at the second that follows; nothing tells of it otherwise."""
    seconds = [DAY_S * 20_000.5]
    monkeypatch.setattr("time.time", lambda: seconds[0])
    today = 20_000 + 719_163  # 1970-01-01 as an ordinal
    choose(driven, Profile("us", last_day=today))
    client = driven.client()
    for _ in range(2):
        assert addresses(*driven.answers(client, QUERY)) == [IN_US]
    seconds[0] += DAY_S
    driven.seconds += 1.0
    assert addresses(*driven.answers(client, QUERY)) == ["REFUSED"]


def test_profiles_beyond_number_cost_memory_and_no_wrong_answer(driven: Driven) -> None:
    """Where there are more than are kept apart all is forgotten, by whoever still finds it."""
    hosts = [f"127.0.2.{number}" for number in range(4)]
    for number, host in enumerate(hosts):
        profile = Profile("us" if number % 2 else "gb", {"iplayer": OFF} if number // 2 else {})
        driven.allowlist.grants[socket.inet_aton(host)] = profile
    driven.responder.grants_changed()
    clients = [driven.client(host) for host in hosts]
    others = [Profile(f"{number}") for number in range(MAX_VIEWS)]
    for second in range(4):
        for number, name in itertools.product(range(4), (f"n{second}.netflix.com", STEERED)):
            (reply,) = driven.answers(clients[number], wire(name))
            message = dns.message.from_wire(reply)
            assert str(message.question[0].name) == str(message.answer[0].name) == f"{name}."
            assert addresses(reply) == [IN_US if number % 2 else IN_GB]
        for profile in others:
            driven.misses.memo.view_for(profile)
        driven.seconds += 1.0


def test_what_an_upstream_said_before_a_change_of_knowledge_is_given_and_forgotten(
    driven: Driven,
) -> None:
    """The decision to ask was the former catalogue's; by the new one the name may be steered."""
    driven.upstreams.react = addressing
    client, query = driven.client(), wire("www.example.com")
    driven.run(lambda: client.ask(query))
    driven.responder.knowledge_changed()
    driven.upstreams.answer()
    assert len(client.replies()) == 1
    before = len(driven.sent)
    assert len(driven.answers(client, query)) == 1
    assert len(driven.sent) == before + 1, "it took a decision"


def test_what_an_upstream_said_is_remembered_for_every_form_of_the_query(driven: Driven) -> None:
    """The second query takes no decision, with an OPT record or in its own case."""
    driven.upstreams.react = addressing
    client = driven.client()
    assert len(driven.answers(client, wire("www.example.com"))) == 1
    before = len(driven.sent)
    driven.seconds += 2
    for query in (
        wire("www.example.com"),
        wire("www.example.com", use_edns=0),
        wire("WWW.example.com"),
    ):
        (reply,) = driven.answers(client, query)
        assert dns.message.from_wire(reply).answer[0].ttl == 298
    assert len(driven.sent) == before


def test_what_an_upstream_said_to_a_claimed_address_is_remembered_for_nobody(
    driven: Driven,
) -> None:
    """It must show itself now and then, so each of its queries takes a decision."""
    driven.upstreams.react = addressing
    choose(driven, Profile("us", claimed=True))
    driven.knowledge.verified.note(HERE, driven.seconds)
    client, query = driven.client(), wire("www.example.com")
    for _ in range(3):
        (reply,) = driven.answers(client, query)
        assert dns.message.from_wire(reply).answer
    assert len(driven.sent) == 3
