"""The first query of a question, sent at once by whoever missed; what is left to do comes after.

    hot thread     fire: a shot made ahead, a query by hand, send           20 us
    reactor        the reply, if it is plain                                the asker's `landed`
                   anything else, or none in time                           the long way

The long way is that of every question: the forwarder makes an `Errand` for it, which takes the
shot over as its first attempt, sent when it was sent. So whatever is not plain (another case, a
truncated reply, an error, an upstream that is silent) has the outcome that it has without this.

Shots are made in the reactor's time, socket, ID and all. Where more are wanted than were made, the
hot thread makes its own: it takes longer, but not as long as the long way.
"""

import contextlib
import secrets
from collections import deque
from collections.abc import Callable, Container
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from twisted.internet.posixbase import PosixReactorBase

from smartdns.answering.numbers import LONGEST_NAME
from smartdns.answering.plan import Forward
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.udp import QuerySocket, open_query_socket
from smartdns.wire.plain_query import OPT_LENGTH, render_plain_query

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

READY: Final = 32
KEPT_READY_S: Final = 10.0
MOST_FLYING: Final = 256
"""Beyond it, or an eighth of all that may be under way, questions take the long way, whose limits
are for each client."""
_TICK_S: Final = 0.1
"""How often it is looked after what is late: one timer for all."""

A = TypeVar("A")
Landed = Callable[["Shot[A]", bytes, int], bool]


class Shot(Generic[A]):
    """A query that is under way, or whose socket waits for one.

    What a query adds is put in field by field: a constructor of Python's would cost a miss 4 us.
    """

    __slots__ = (
        "asker", "asking", "begun", "go_long", "id", "landed", "message", "noise",
        "on_the_long_way", "plan", "prepared", "send", "upstream",
    )  # fmt: skip
    plan: Forward
    message: bytes
    begun: float
    asker: A
    prepared: Any
    """What `landed` may make use of; None until whoever fired has come round to it."""
    landed: "Landed[A]"
    """Called with a reply to it, and where the question's octets end in that; False: not plain."""
    go_long: Callable[[A], None]
    """Called where the question is to take the long way."""

    def __init__(self, upstream: Upstream, asking: QuerySocket) -> None:
        self.upstream, self.asking, self.send = upstream, asking, asking.send
        self.id = secrets.token_bytes(2)
        self.noise = secrets.randbits(8 * LONGEST_NAME)
        self.message = b""
        """None yet: nobody has made use of it."""
        self.on_the_long_way = False
        self.prepared = None


class Shots(Generic[A]):
    """Those to one group of upstreams, under way and ready."""

    def __init__(
        self,
        reactor: PosixReactorBase,
        group: Group,
        elsewhere: Container[Forward] = (),
        most: int = MOST_FLYING,
    ) -> None:
        """`elsewhere`: questions that are asked in another way, and so not here."""
        self._reactor, self._group, self._elsewhere = reactor, group, elsewhere
        self._most = most
        self.flying: dict[Forward, Shot[A]] = {}
        self.ready: deque[Shot[A]] = deque()
        """The oldest first; all of them at `_target`."""
        self.wanted = False
        """Somebody fires."""
        self._target: Upstream | None = None
        """Who is asked first; None: that, or how, is for the long way to find out."""
        self._filled_at = 0.0
        self._fills_soon = False
        self._tick: IDelayedCall | None = None

    def fire(
        self, plan: Forward, landed: "Landed[A]", go_long: Callable[[A], None], asker: A
    ) -> Shot[A] | None:
        """Ask; None where it takes the long way from the start. From any thread."""
        flying = self.flying
        if plan in flying or plan in self._elsewhere or len(flying) >= self._most:
            return None
        try:
            shot = self.ready.popleft()
        except IndexError:
            made = self._make()
            if made is None:
                return None
            shot = made
        shot.plan, shot.asker, shot.begun = plan, asker, self._reactor.seconds()
        shot.landed, shot.go_long = landed, go_long
        shot.message = message = render_plain_query(plan, shot.id, shot.noise)
        # Before anything can come of it; another socket's thread may have been quicker.
        if flying.setdefault(plan, shot) is not shot:
            self._reactor.callFromThread(shot.asking.stop)
            return None
        try:
            shot.send(message)
        except OSError:
            self._reactor.callFromThread(self._go_long, shot)
        return shot

    def fill(self) -> None:
        """Have shots ready for the next misses, since there was one; when nobody waits."""
        self._fills_soon = False
        now = self._reactor.seconds()
        self._aim(now)
        if self._target is not None:
            self._filled_at = now
            self._top_up()
            if self._tick is None:
                self._tick = self._reactor.callLater(_TICK_S, self._look_after)

    def adopt(self, plan: Forward) -> Shot[A] | None:
        """Give the shot of `plan` to who takes it over; its asker goes the long way, too."""
        shot = self.flying.pop(plan, None)
        if shot is not None and not shot.on_the_long_way:
            shot.on_the_long_way = True
            shot.upstream.health.asked(shot.begun)
            self._reactor.callLater(0, shot.go_long, shot.asker)
        return shot

    def close(self) -> None:
        """Forget what is under way."""
        self.wanted = False
        self._target = None
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        for shot in list(self.flying.values()):
            shot.asking.stop()
        self.flying.clear()
        self._drop_older_than(float("inf"))

    def _take(self, shot: Shot[A], data: bytes) -> bool:
        message = shot.message
        if not message or shot.on_the_long_way:  # a stray
            return False
        end = len(message) - OPT_LENGTH
        fits = data.startswith(shot.id) and data[12:end] == message[12:end]
        if fits and shot.landed(shot, data, end):
            self._landed(shot)
            return True
        self._go_long(shot)
        asking = shot.asking  # which somebody else listens to now, unless it was stopped
        return asking.stopped or asking.take(data)

    def _landed(self, shot: Shot[A]) -> None:
        now = self._reactor.seconds()
        self._ends(shot)
        shot.upstream.health.asked(shot.begun)
        shot.upstream.health.answered(now - shot.begun, now)
        if not self._fills_soon:
            self._fills_soon = True
            self._reactor.callLater(0, self.fill)

    def _go_long(self, shot: Shot[A]) -> None:
        if shot.on_the_long_way:
            return
        shot.on_the_long_way = True
        shot.upstream.health.asked(shot.begun)
        shot.go_long(shot.asker)
        if self._ends(shot):  # the long way was none: nobody took it over
            shot.asking.stop()

    def _ends(self, shot: Shot[A]) -> bool:
        """Count it no longer; False: it was not."""
        if self.flying.get(shot.plan) is not shot:
            return False
        del self.flying[shot.plan]
        return True

    def _make(self) -> Shot[A] | None:
        target = self._target
        asking = None if target is None else open_query_socket(self._reactor, target.address)
        if target is None or asking is None:
            return None
        shot: Shot[A] = Shot(target, asking)
        asking.aim(partial(self._take, shot), partial(self._lost, shot))
        return shot

    def _lost(self, shot: Shot[A]) -> None:
        if shot.message:
            self._go_long(shot)
            return
        with contextlib.suppress(ValueError, IndexError):  # being fired: sending will fail
            self.ready.remove(shot)

    def _aim(self, now: float) -> None:
        """Find out who is asked first; what was made for another is of no use."""
        target = self._group.first_choice(now) if self.wanted else None
        if target is not self._target:
            self._target = target
            self._drop_older_than(float("inf"))

    def _look_after(self) -> None:
        self._tick = None
        now = self._reactor.seconds()
        for shot in list(self.flying.values()):
            if now - shot.begun >= shot.upstream.health.patience():
                self._go_long(shot)
        if self._target is not None:
            self._aim(now)
        self._drop_older_than(now - KEPT_READY_S)
        if now - self._filled_at < KEPT_READY_S:
            self._top_up()
        idle = not self.flying and not self.ready
        if not idle or self._target is not None:  # which the hot thread may be aiming at yet
            self._tick = self._reactor.callLater(_TICK_S, self._look_after)
        if idle:
            self._target = None

    def _top_up(self) -> None:
        while len(self.ready) < READY and (shot := self._make()) is not None:
            self.ready.append(shot)

    def _drop_older_than(self, moment: float) -> None:
        """Close those whose socket was opened before `moment`."""
        while self.ready:
            try:
                shot = self.ready.popleft()
            except IndexError:  # fired meanwhile
                return
            if shot.asking.opened_at >= moment:
                self.ready.appendleft(shot)
                return
            shot.asking.stop()
