"""The state machine of a connection, without a socket: its table, its deadlines, any events."""

import re
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartdns.relay import connection as module
from smartdns.relay.connection import (
    QUIET_TICKS,
    TABLE,
    Action,
    Connection,
    Event,
    State,
    Transition,
    patience_of,
)
from smartdns.relay.deadlines import Deadlines

PATIENCE = {
    State.READING: 3, State.FINDING: 5, State.CONNECTING: 5, State.RELAYING: 31,
    State.HALF_CLOSED: 17,
}  # fmt: skip
ENDINGS = {
    Event.FAILED, Event.REMOVED, Event.CROWDED_OUT, Event.DUE, Event.STOPPING, Event.STOPPED
}  # fmt: skip
RELAYS = {State.RELAYING, State.HALF_CLOSED}
PATH = (Event.NAMED, Event.FOUND, Event.CONNECTED, Event.CLIENT_ENDED, Event.ORIGIN_ENDED)
WAYS: Mapping[str, tuple[Event, ...]] = {
    "READING": (),
    "FINDING": PATH[:1],
    "CONNECTING": PATH[:2],
    "RELAYING": PATH[:3],
    "HALF_CLOSED by the client": (*PATH[:3], Event.CLIENT_ENDED),
    "HALF_CLOSED by the origin": (*PATH[:3], Event.ORIGIN_ENDED),
    "DONE early": (Event.FAILED,),
    "DONE in order": PATH,
}
"""By what events each state is reached."""


def brought(*events: Event, now: int = 0) -> Connection:
    """Give a connection that began at tick 0, and to which these happened at one tick."""
    made = Connection(PATIENCE, 0)
    for event in events:
        made.on(event, now)
    return made


def described() -> dict[State, dict[Event, Transition]]:
    """Read the table of the module's docstring."""
    table: dict[State, dict[Event, Transition]] = {state: {} for state in State}
    row = re.compile(r" {4}([A-Z_]+) +([A-Z_]+|an ending) +([A-Z_]+) +([A-Z_ ]+)")
    for line in str(module.__doc__).splitlines():
        if found := row.fullmatch(line):
            state, event, following, words = found.groups()
            actions = tuple(Action[word] for word in words.split())
            for each in ENDINGS if event == "an ending" else {Event[event]}:
                table[State[state]][each] = (State[following], actions)
    return table


def test_the_table_that_is_described_is_the_table_that_is_used() -> None:
    """The docstring cannot say anything else than the code."""
    assert described() == TABLE


@pytest.mark.parametrize("event", Event, ids=lambda event: event.name)
@pytest.mark.parametrize("way", WAYS)
def test_each_event_does_in_each_state_what_the_table_says(way: str, event: Event) -> None:
    """After a long silence, when DUE and STOPPING count; without a row nothing happens."""
    connection = brought(*WAYS[way])
    before = connection.state
    assert before is State[way.split(maxsplit=1)[0]]
    expected = described()[before].get(event, (before, ()))
    if before is State.HALF_CLOSED and event is WAYS[way][-1]:
        expected = before, ()  # that side's end was told already
    given_actions = connection.on(event, 100)
    assert (connection.state, given_actions) == expected


def test_each_step_has_its_deadline() -> None:
    """READING from the beginning; FINDING and CONNECTING together; then silence counts."""
    connection = Connection(PATIENCE, 10)
    deadlines = [connection.deadline]
    for event, now in zip(PATH, (12, 14, 16, 18, 20), strict=True):
        connection.on(event, now)
        deadlines.append(connection.deadline)
    assert deadlines == [10 + 3, 12 + 5, 12 + 5, 16 + 31, 18 + 17, None]


@pytest.mark.parametrize("way", [way for way in WAYS if "DONE" not in way])
def test_a_state_ends_at_its_deadline_and_not_before(way: str) -> None:
    """A DUE that comes early does nothing, and leaves the deadline where it is."""
    began = 2 if WAYS[way] else 0
    connection = brought(*WAYS[way], now=began)
    limit = began + PATIENCE[connection.state]
    assert connection.on(Event.DUE, limit - 1) == ()
    assert connection.deadline == limit
    assert Action.CLOSE_CLIENT in connection.on(Event.DUE, limit)


@pytest.mark.parametrize(
    "way", ["RELAYING", "HALF_CLOSED by the client", "HALF_CLOSED by the origin"]
)
def test_traffic_puts_the_end_off(way: str) -> None:
    """DUE asks for a later deadline, and ends what was silent until then."""
    connection = brought(*WAYS[way])
    limit = PATIENCE[connection.state]
    connection.silent_since = 9
    assert connection.on(Event.DUE, limit) == ()
    assert connection.deadline == 9 + limit
    assert connection.on(Event.DUE, 9 + limit)[0] is Action.RESET


def test_a_worker_that_stops_ends_what_reached_nobody_and_what_is_silent() -> None:
    """A transfer goes on while octets pass, until the worker waits no longer."""
    for way in ("READING", "FINDING", "CONNECTING"):
        assert Action.CLOSE_CLIENT in brought(*WAYS[way]).on(Event.STOPPING, 0)
    connection = brought(*PATH[:3], now=50)
    for now in range(50, 50 + 5 * QUIET_TICKS, QUIET_TICKS - 1):
        assert connection.on(Event.STOPPING, now) == ()
        connection.silent_since = now
    assert brought(*PATH[:3]).on(Event.STOPPED, 0)[0] is Action.RESET
    assert connection.on(Event.STOPPING, now + QUIET_TICKS)[0] is Action.RESET


def test_limits_in_seconds_become_ticks_by_state() -> None:
    """The two states on the way to the origin have one limit."""
    patience = patience_of(hello=1.0, connect=2.0, idle=30.0, half_closed=4.0)
    assert patience == {
        State.READING: 8, State.FINDING: 16, State.CONNECTING: 16, State.RELAYING: 240,
        State.HALF_CLOSED: 32,
    }  # fmt: skip


class Life:
    """A connection and its deadline, as a transport keeps them, in a time of its own."""

    def __init__(self) -> None:
        self.deadlines = Deadlines()
        self.connection = Connection(PATIENCE, 0)
        self.deadline: int | None = None
        self.actions: list[Action] = []
        self.moved_by: list[Event] = []
        self.last_sign = 0  # of life: what the test itself holds for the end of the silence
        self.deadlines.set(self, self.connection.deadline)

    def due(self) -> None:
        self.tell(Event.DUE)

    def tell(self, event: Event) -> None:
        before = self.state
        self.actions += self.connection.on(event, self.deadlines.now)
        if self.state is not before:
            self.moved_by.append(event)
        if self.state not in {before, State.CONNECTING}:
            self.last_sign = self.deadlines.now
        deadline = self.connection.deadline
        if deadline is None or self.deadline is None or deadline < self.deadline:
            self.deadlines.set(self, deadline)

    def take(self, step: Event | int) -> None:
        """Tell an event; or let time pass; or, with 0, let an octet pass."""
        if isinstance(step, Event):
            self.tell(step)
        elif step == 0 and self.connection.state in RELAYS:
            self.connection.silent_since = self.last_sign = self.deadlines.now
        else:
            self.wait(step)

    def wait(self, ticks: int) -> None:
        """Let time pass, tick by tick."""
        for _ in range(ticks):
            for one in self.deadlines.advance(self.deadlines.now + 1):
                one.due()

    @property
    def state(self) -> State:
        return self.connection.state


STEP = st.one_of(st.sampled_from(Event), st.just(0), st.integers(1, 40))


@st.composite
def lives(draw: st.DrawFn) -> Iterator[Life]:
    """Give a life step by step: some of the good path first, with pauses, and then anything."""
    ends = draw(st.permutations(PATH[3:]))
    path = (*PATH[:3], *ends)[: draw(st.integers(0, 5))]
    steps: list[Event | int] = []
    for event in path:
        steps += [event, *draw(st.lists(st.integers(0, 4), max_size=2))]
    steps += draw(st.lists(STEP, max_size=12))

    def live() -> Iterator[Life]:
        life = Life()
        for step in steps:
            life.take(step)
            yield life
        life.wait(max(PATIENCE.values()))
        yield life

    return live()


def last_of(live: Iterator[Life]) -> Life:
    """Give a life at its end."""
    *_, life = live
    return life


@given(lives())
def test_every_connection_ends_by_itself(live: Iterator[Life]) -> None:
    """Whatever happened, and if nothing happens any more; and it waits for nothing then."""
    life = last_of(live)
    assert life.state is State.DONE
    assert life.connection.deadline is None
    assert not any(life.deadlines._waiting.values())


@given(lives())
def test_no_deadline_passes_unnoticed(live: Iterator[Life]) -> None:
    """What is not over has been silent for less than its state bears."""
    for life in live:
        if life.state is not State.DONE:
            assert life.deadlines.now - life.last_sign < PATIENCE[life.state]


@given(lives())
def test_it_looks_up_connects_and_relays_once_and_in_this_order(live: Iterator[Life]) -> None:
    """No step is taken twice, left out, or taken after the end."""
    steps = (Action.LOOK_UP, Action.CONNECT, Action.RELAY)
    taken = [action for action in last_of(live).actions if action in steps]
    assert taken == list(steps[: len(taken)])


@given(lives())
def test_each_side_is_closed_once_and_last(live: Iterator[Life]) -> None:
    """The client's always, the origin's if there is one; attempts to connect are given up."""
    actions = last_of(live).actions
    relayed = Action.RELAY in actions
    assert actions.count(Action.CLOSE_CLIENT) == 1
    assert actions.count(Action.CLOSE_ORIGIN) == relayed
    assert actions.count(Action.CANCEL) == (Action.CONNECT in actions and not relayed)
    assert actions[-1] is (Action.CLOSE_ORIGIN if relayed else Action.CLOSE_CLIENT)


@given(lives())
def test_one_side_at_most_is_told_that_no_more_will_come(live: Iterator[Life]) -> None:
    """When the other one ends, too, both are closed."""
    actions = last_of(live).actions
    shut = [actions.count(each) for each in (Action.SHUT_DOWN_CLIENT, Action.SHUT_DOWN_ORIGIN)]
    assert sum(shut) <= 1
    assert not sum(shut) or Action.RELAY in actions


@given(lives())
def test_only_an_end_by_both_sides_is_no_reset(live: Iterator[Life]) -> None:
    """A transfer that was cut off never looks complete."""
    life = last_of(live)
    if Action.RELAY in life.actions:
        ended_by_both = set(life.moved_by) >= {Event.CLIENT_ENDED, Event.ORIGIN_ENDED}
        assert (Action.RESET not in life.actions) == ended_by_both


@given(st.sampled_from(list(WAYS)), st.lists(STEP, max_size=12))
def test_nothing_is_done_for_a_source_that_is_let_in_no_longer(
    way: str, steps: list[Event | int]
) -> None:
    """Removal ends a connection in every state, and no later event begins anything."""
    life = Life()
    for event in WAYS[way]:
        life.tell(event)
    done_before = len(life.actions)
    life.tell(Event.REMOVED)
    assert life.state is State.DONE
    for step in steps:
        life.take(step)
    ending = {Action.CANCEL, Action.RESET, Action.CLOSE_CLIENT, Action.CLOSE_ORIGIN}
    assert set(life.actions[done_before:]) <= ending


@given(st.lists(st.integers(1, min(PATIENCE[state] for state in RELAYS) - 1), max_size=30))
def test_what_has_traffic_is_never_ended_by_time(pauses: list[int]) -> None:
    """However long it lasts, as long as no pause is as long as the limit."""
    for way in ("RELAYING", "HALF_CLOSED by the origin"):
        life = Life()
        for event in WAYS[way]:
            life.tell(event)
        for pause in pauses:
            life.wait(pause)
            life.take(0)
        assert life.state in RELAYS
