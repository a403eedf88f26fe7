"""The first query of a question, sent at once by whoever missed; what is left to do comes after.

    hot thread     fire: a ready socket, a query by hand, send              30 us
    reactor        the reply, if it is plain                                the asker's `landed`
                   anything else, or none in time                           the long way

The long way is that of every question: the forwarder makes an `Errand` for it, which takes the
shot over as its first attempt, sent when it was sent. So whatever is not plain (another case, a
truncated reply, an error, an upstream that is silent) has the outcome that it has without this.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from twisted.internet.posixbase import PosixReactorBase

from smartdns.answering.plan import Forward
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.udp import KEPT_READY_S, QuerySocket
from smartdns.wire.plain_query import OPT_LENGTH, render_plain_query

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

_TICK_S: Final = 0.05
"""How often it is looked after what is late: one timer for all."""


@dataclass(eq=False, slots=True, repr=False)
class Shot:
    """A query under way."""

    plan: Forward
    upstream: Upstream
    asking: QuerySocket
    message: bytes
    begun: float
    landed: "Callable[[Shot, bytes, int], bool]"
    """Called with a reply to it, and where the question's octets end in that; False: not plain."""
    go_long: Callable[[], None]
    """Called where the question is to take the long way."""
    on_the_long_way: bool = False


class Shots:
    """Those under way to one group of upstreams."""

    def __init__(self, reactor: PosixReactorBase, group: Group) -> None:
        self._reactor, self._group = reactor, group
        self.flying: dict[Forward, Shot] = {}
        self.wanted = False
        """Somebody fires: sockets are kept ready."""
        self._filled_at = 0.0
        self._tick: IDelayedCall | None = None

    def fire(
        self,
        plan: Forward,
        landed: Callable[[Shot, bytes, int], bool],
        go_long: Callable[[], None],
    ) -> bool:
        """Ask; False where it takes the long way from the start. From any thread."""
        now = self._reactor.seconds()
        upstream = self._group.first_choice(now)
        if upstream is None or plan in self.flying or (asking := upstream.ready.take()) is None:
            return False
        message = render_plain_query(plan, asking.noise)
        shot = Shot(plan, upstream, asking, message, now, landed, go_long)
        asking.aim(partial(self._take, shot), partial(self._go_long, shot))
        upstream.health.asked(now)
        self.flying[plan] = shot  # before anything can come of it
        try:
            asking.send(message)
        except OSError:
            self._reactor.callFromThread(self._go_long, shot)
        return True

    def fill(self) -> None:
        """Have sockets ready for the next, since there was one; when nobody waits."""
        now = self._reactor.seconds()
        upstream = self._group.first_choice(now) if self.wanted else None
        if upstream is not None:
            upstream.ready.fill()
            self._filled_at = now
            if self._tick is None:
                self._tick = self._reactor.callLater(_TICK_S, self._look_after)

    def adopt(self, plan: Forward) -> Shot | None:
        """Give the shot of `plan` to who takes it over; its asker goes the long way, too."""
        shot = self.flying.pop(plan, None)
        if shot is not None and not shot.on_the_long_way:
            shot.on_the_long_way = True
            self._reactor.callLater(0, shot.go_long)
        return shot

    def close(self) -> None:
        """Forget what is under way."""
        self.wanted = False
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        for shot in list(self.flying.values()):
            shot.asking.stop()
        self.flying.clear()
        self._drop_older_than(float("inf"))

    def _take(self, shot: Shot, data: bytes) -> bool:
        message = shot.message
        end = len(message) - OPT_LENGTH
        if data[:2] == message[:2] and data[12:end] == message[12:end]:
            now = self._reactor.seconds()
            if shot.landed(shot, data, end):
                self.flying.pop(shot.plan, None)
                shot.upstream.health.answered(now - shot.begun, now)
                self._reactor.callLater(0, self.fill)
                return True
        self._go_long(shot)
        asking = shot.asking  # which somebody else listens to now, unless it was stopped
        return asking.stopped or asking.take(data)

    def _go_long(self, shot: Shot) -> None:
        if shot.on_the_long_way:
            return
        shot.on_the_long_way = True
        shot.go_long()
        if self.flying.get(shot.plan) is shot:  # the long way was none: nobody took it over
            del self.flying[shot.plan]
            shot.asking.stop()

    def _look_after(self) -> None:
        self._tick = None
        now = self._reactor.seconds()
        for shot in list(self.flying.values()):
            if now - shot.begun >= shot.upstream.health.patience():
                self._go_long(shot)
        self._drop_older_than(now - KEPT_READY_S)
        if now - self._filled_at < KEPT_READY_S:
            self._top_up()
        if self.flying or any(member.ready for member in self._group.members):
            self._tick = self._reactor.callLater(_TICK_S, self._look_after)

    def _top_up(self) -> None:
        for member in self._group.members:
            if member.ready:
                member.ready.fill()

    def _drop_older_than(self, moment: float) -> None:
        for member in self._group.members:
            member.ready.drop_older_than(moment)
