"""One relayed connection as a state machine: no socket, no clock, no Twisted.

`transport` tells it what happened and when, and does the actions that it gives.

Rules
-----

1. A connection begins in READING, once `admission` has let its source in. A stranger's has no
   state machine at all: it is closed unread.
2. It has one origin, and takes three steps to it: the client says a name (READING), the addresses
   of that name are looked up (FINDING), one of them is connected (CONNECTING). A step that fails
   ends the connection. No step is taken twice.
3. Then octets pass in both directions (RELAYING). When one side has sent its last octet, the other
   side is told so and may go on sending (HALF_CLOSED).
4. It ends well when both sides have sent their last octet. Every other end after CONNECTING is a
   reset for both sides, so that a transfer that was cut off never looks complete.
5. A state bears so many ticks of silence and no more. READING is silent from its beginning to the
   name, whatever octets come; FINDING and CONNECTING share one limit, from the name to the origin.
   In RELAYING and HALF_CLOSED traffic ends the silence. Traffic is no event, for it comes thousands
   of times a second: the transport writes its tick to `silent_since`.
6. `deadline` is the tick at which the transport has to tell DUE. If there was traffic meanwhile,
   DUE does nothing, and `deadline` is a later tick.
7. While a worker stops (STOPPING, told again and again) it ends what has not reached its origin,
   and what has been silent for a second. The rest may go on until STOPPED.
8. In DONE nothing happens any more. An event that has no row is late, and does nothing; so does a
   side's end when it is told a second time.

Table
-----

An ending is any of FAILED, REMOVED, DUE, STOPPING and STOPPED.

    state        event         next state   actions
    -----------  ------------  -----------  -----------------------------------
    READING      NAMED         FINDING      LOOK_UP
    READING      an ending     DONE         CLOSE_CLIENT
    FINDING      FOUND         CONNECTING   CONNECT
    FINDING      an ending     DONE         CLOSE_CLIENT
    CONNECTING   CONNECTED     RELAYING     RELAY
    CONNECTING   an ending     DONE         CANCEL CLOSE_CLIENT
    RELAYING     CLIENT_ENDED  HALF_CLOSED  SHUT_DOWN_ORIGIN
    RELAYING     ORIGIN_ENDED  HALF_CLOSED  SHUT_DOWN_CLIENT
    RELAYING     an ending     DONE         RESET CLOSE_CLIENT CLOSE_ORIGIN
    HALF_CLOSED  CLIENT_ENDED  DONE         CLOSE_CLIENT CLOSE_ORIGIN
    HALF_CLOSED  ORIGIN_ENDED  DONE         CLOSE_CLIENT CLOSE_ORIGIN
    HALF_CLOSED  an ending     DONE         RESET CLOSE_CLIENT CLOSE_ORIGIN
"""

import enum
from collections.abc import Mapping

from smartdns.relay.deadlines import ticks

QUIET_TICKS = ticks(1.0)
"""Silence after which a connection that relays may be ended while the worker stops."""


class State(enum.IntEnum):  # an int, since its hash is computed in C
    """How far a connection is."""

    READING = enum.auto()
    FINDING = enum.auto()
    CONNECTING = enum.auto()
    RELAYING = enum.auto()
    HALF_CLOSED = enum.auto()
    DONE = enum.auto()


class Event(enum.IntEnum):
    """What happened."""

    NAMED = enum.auto()  # the client said a name that it may reach
    FOUND = enum.auto()  # there is an address to be connected
    CONNECTED = enum.auto()
    CLIENT_ENDED = enum.auto()  # its last octet has been passed on
    ORIGIN_ENDED = enum.auto()
    FAILED = enum.auto()  # the step under way has, or one side sent a reset
    REMOVED = enum.auto()  # the source is let in no longer
    DUE = enum.auto()  # the deadline has come
    STOPPING = enum.auto()  # the worker stops
    STOPPED = enum.auto()  # the worker waits no longer


class Action(enum.IntEnum):
    """What the transport is to do now."""

    LOOK_UP = enum.auto()  # the addresses of the name; then FOUND or FAILED
    CONNECT = enum.auto()  # to one of them; then CONNECTED or FAILED
    CANCEL = enum.auto()  # give up connecting; neither will be told
    RELAY = enum.auto()  # pass on what the client has sent, then whatever comes
    SHUT_DOWN_CLIENT = enum.auto()  # tell that side that no more octets will come
    SHUT_DOWN_ORIGIN = enum.auto()
    RESET = enum.auto()  # let closing be a reset for both sides
    CLOSE_CLIENT = enum.auto()
    CLOSE_ORIGIN = enum.auto()


# Names of their own, since CPython 3.11 looks a member of an Enum up in Python: 0.1 µs each time.
READING, FINDING, CONNECTING, RELAYING, HALF_CLOSED, DONE = State
NAMED, FOUND, CONNECTED, CLIENT_ENDED, ORIGIN_ENDED, FAILED, REMOVED, DUE, STOPPING, STOPPED = Event
CLOSE_CLIENT, CLOSE_ORIGIN = Action.CLOSE_CLIENT, Action.CLOSE_ORIGIN

Patience = Mapping[State, int]
"""Ticks of silence that each state but DONE bears."""
Transition = tuple[State, tuple[Action, ...]]


def _endings(*actions: Action) -> Mapping[Event, Transition]:
    return dict.fromkeys((FAILED, REMOVED, DUE, STOPPING, STOPPED), (DONE, actions))


TABLE: Mapping[State, Mapping[Event, Transition]] = {
    READING: {
        NAMED: (FINDING, (Action.LOOK_UP,)),
        **_endings(CLOSE_CLIENT),
    },
    FINDING: {
        FOUND: (CONNECTING, (Action.CONNECT,)),
        **_endings(CLOSE_CLIENT),
    },
    CONNECTING: {
        CONNECTED: (RELAYING, (Action.RELAY,)),
        **_endings(Action.CANCEL, CLOSE_CLIENT),
    },
    RELAYING: {
        CLIENT_ENDED: (HALF_CLOSED, (Action.SHUT_DOWN_ORIGIN,)),
        ORIGIN_ENDED: (HALF_CLOSED, (Action.SHUT_DOWN_CLIENT,)),
        **_endings(Action.RESET, CLOSE_CLIENT, CLOSE_ORIGIN),
    },
    HALF_CLOSED: {
        CLIENT_ENDED: (DONE, (CLOSE_CLIENT, CLOSE_ORIGIN)),
        ORIGIN_ENDED: (DONE, (CLOSE_CLIENT, CLOSE_ORIGIN)),
        **_endings(Action.RESET, CLOSE_CLIENT, CLOSE_ORIGIN),
    },
    DONE: {},
}


def patience_of(hello: float, connect: float, idle: float, half_closed: float) -> Patience:
    """Give the patience for four limits in seconds; `connect` is that of two states."""
    return {
        READING: ticks(hello),
        FINDING: ticks(connect),
        CONNECTING: ticks(connect),
        RELAYING: ticks(idle),
        HALF_CLOSED: ticks(half_closed),
    }


class Connection:
    """One connection: its state, since when it is silent, and how long it may be."""

    __slots__ = ("_first_end", "_patience", "deadline", "silent_since", "state")

    def __init__(self, patience: Patience, now: int) -> None:
        """Begin at tick `now`."""
        self.state = READING
        self.silent_since = now
        """Tick of the last traffic, or of the beginning of a step that has none."""
        self.deadline: int | None = now + patience[READING]
        """The tick at which DUE is to be told; None once it is done."""
        self._patience = patience
        self._first_end: Event | None = None

    def on(self, event: Event, now: int) -> tuple[Action, ...]:
        """Take an event at tick `now`; give what is to be done, in this order."""
        transition = TABLE[self.state].get(event)
        if transition is None or event is self._first_end:
            return ()
        if (event is DUE or event is STOPPING) and not self._is_silent(event, now):
            return ()
        self.state, actions = transition
        if self.state is HALF_CLOSED:
            self._first_end = event
        self._set_deadline(now)
        return actions

    def _is_silent(self, event: Event, now: int) -> bool:
        """Say whether it was silent for as long as an event needs to end it; else set DUE anew."""
        if event is DUE:
            self.deadline = self.silent_since + self._patience[self.state]
            return now >= self.deadline
        relays = self.state is RELAYING or self.state is HALF_CLOSED
        return not relays or now >= self.silent_since + QUIET_TICKS

    def _set_deadline(self, now: int) -> None:
        """Begin the silence of a state; CONNECTING goes on with that of FINDING."""
        if self.state is DONE:
            self.deadline = None
        elif self.state is not CONNECTING:
            self.silent_since = now
            self.deadline = now + self._patience[self.state]
