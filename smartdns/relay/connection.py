"""One relayed connection as a state machine: no socket, no clock, no Twisted.

`transport` tells it what happened and when, and does the actions that it gives.

Rules
-----

1. A connection begins in READING, after `admission` has let its source in. For a stranger there is
   no state machine: its connection is closed unread.
2. It has one origin and three steps to it: the client says a name (READING), the addresses of that
   name are looked up (FINDING), one of them is connected (CONNECTING). A step that fails ends the
   connection. No step is taken twice.
3. Then octets pass in both directions (RELAYING). When one side has sent its last octet, the other
   side is told so, and may go on sending (HALF_CLOSED).
4. When both sides have sent their last octet, both are closed in order. Every other end after
   CONNECTING is a reset of both sides, so that a transfer that was cut off never looks complete.
5. Each state has a limit of silence, in ticks. READING is silent from its beginning to the name,
   whatever octets come. FINDING and CONNECTING have one limit together, from the name to the
   origin. In RELAYING and HALF_CLOSED traffic ends the silence. Traffic is no event, since there is
   too much of it: the transport writes its tick to `silent_since`.
6. DUE is to be told at the tick `deadline`. If there was traffic meanwhile, it is too early: then
   it does nothing but set a later `deadline`.
7. STOPPING is told again and again while the worker stops. It ends a connection that has not
   reached its origin, and one that was silent for a second. The others may go on until STOPPED.
8. In DONE nothing happens any more. An event for which a state has no row does nothing: it comes
   too late. Neither does the end of a side that is told a second time.

Table
-----

"An ending" stands for FAILED, REMOVED, CROWDED_OUT, DUE, STOPPING and STOPPED.

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
"""The silence after which STOPPING ends a connection that has reached its origin."""


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
    FAILED = enum.auto()  # the current step failed, or one side sent a reset
    REMOVED = enum.auto()  # the source is no longer let in
    CROWDED_OUT = enum.auto()  # its place is needed, and its network has most
    DUE = enum.auto()  # the deadline has come
    STOPPING = enum.auto()  # the worker stops, and waits for its connections
    STOPPED = enum.auto()  # it waits no longer


class Action(enum.IntEnum):
    """What the transport is to do now."""

    LOOK_UP = enum.auto()  # look the addresses of the name up, then tell FOUND or FAILED
    CONNECT = enum.auto()  # connect to one of them, then tell CONNECTED or FAILED
    CANCEL = enum.auto()  # give up connecting, and tell neither
    RELAY = enum.auto()  # pass on what the client has sent already, then all that comes
    SHUT_DOWN_CLIENT = enum.auto()  # say to the client that no more octets will come
    SHUT_DOWN_ORIGIN = enum.auto()
    RESET = enum.auto()  # let the two actions that follow be resets
    CLOSE_CLIENT = enum.auto()
    CLOSE_ORIGIN = enum.auto()


# Names of their own, since CPython 3.11 looks a member of an Enum up in Python: 0.1 µs each time.
READING, FINDING, CONNECTING, RELAYING, HALF_CLOSED, DONE = State
NAMED, FOUND, CONNECTED, CLIENT_ENDED, ORIGIN_ENDED, FAILED = list(Event)[:6]
REMOVED, CROWDED_OUT, DUE, STOPPING, STOPPED = list(Event)[6:]
CLOSE_CLIENT, CLOSE_ORIGIN = Action.CLOSE_CLIENT, Action.CLOSE_ORIGIN
_REACHED = frozenset((RELAYING, HALF_CLOSED))
_AFTER_SILENCE = frozenset((DUE, STOPPING))

Patience = Mapping[State, int]
"""The limit of silence of each state but DONE, in ticks."""
Transition = tuple[State, tuple[Action, ...]]


def _endings(*actions: Action) -> Mapping[Event, Transition]:
    endings = FAILED, REMOVED, CROWDED_OUT, DUE, STOPPING, STOPPED
    return dict.fromkeys(endings, (DONE, actions))


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
    """Make the limits of silence from seconds; `connect` is for FINDING and CONNECTING together."""
    return {
        READING: ticks(hello),
        FINDING: ticks(connect),
        CONNECTING: ticks(connect),
        RELAYING: ticks(idle),
        HALF_CLOSED: ticks(half_closed),
    }


class Connection:
    """The state of one connection, and how long it may be silent."""

    __slots__ = ("_first_end", "_patience", "deadline", "silent_since", "state")

    def __init__(self, patience: Patience, now: int) -> None:
        """Begin at tick `now`."""
        self.state = READING
        self.silent_since = now
        """The tick of the last traffic, or at which a state without traffic began."""
        self.deadline: int | None = now + patience[READING]
        """The tick at which DUE is to be told; None in DONE."""
        self._patience = patience
        self._first_end: Event | None = None

    def on(self, event: Event, now: int) -> tuple[Action, ...]:
        """Take an event at tick `now`; give what is to be done, in this order."""
        transition = TABLE[self.state].get(event)
        if transition is None or event is self._first_end:
            return ()
        if event in _AFTER_SILENCE and now < self.silent_since + self._silence_before(event):
            self.deadline = self.silent_since + self._patience[self.state]
            return ()
        self.state, actions = transition
        if self.state is HALF_CLOSED:
            self._first_end = event
        if self.state is DONE:
            self.deadline = None
        elif self.state is not CONNECTING:  # the silence of FINDING goes on in it
            self.silent_since = now
            self.deadline = now + self._patience[self.state]
        return actions

    def _silence_before(self, event: Event) -> int:
        """Give the ticks of silence after which DUE or STOPPING ends this connection."""
        if event is DUE:
            return self._patience[self.state]
        return QUIET_TICKS if self.state in _REACHED else 0
