"""All upstreams, and the questions under way to them; equal questions share one exchange.

    ask      from any thread: takes a callback, and the network that the question counts for
    forward  the same with a Deferred, in the reactor's thread

The first query of most questions is sent at once, by the thread that asks; all else happens in the
reactor's thread.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.posixbase import PosixReactorBase
from twisted.logger import Logger
from twisted.python.failure import Failure

from smartdns.answering.names import below
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name
from smartdns.answering.replies.chasing import unfinished_at
from smartdns.answering.replies.dname import synthesize_cnames
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.answering.rules.local_names import is_local
from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.places import NOBODY, Places
from smartdns.upstream.question import PendingQuestion
from smartdns.upstream.ready_sockets import ReadySockets
from smartdns.upstream.sockets import QuerySockets

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

STALE_AFTER_S: Final = 1.8
"""Seconds after which an expired answer is given instead of waiting on (RFC 8767 section 5)."""
_MOST_TO_THE_DEAD: Final = 64
"""Questions that may be under way to a dead group; they show whether it answers again."""
_TICK_S: Final = 0.1
"""How often late questions are checked: one timer for all."""

T = TypeVar("T")
Asker = Callable[[T | Failure], None]


class Forwarder(Service, Generic[T]):
    """Asks upstreams, and passes the result of `conclude` on each reply to all askers."""

    def __init__(
        self,
        reactor: PosixReactorBase,
        upstreams: Sequence[UpstreamAddress],
        conclude: Callable[[Forward, UpstreamReply | None], T],
        suffixes: Mapping[Name, Sequence[UpstreamAddress]] | None = None,
        in_flight: int = 2_000,
        stand_in: Callable[[Forward], T | None] = lambda _: None,
        ready_sockets: int = 0,
    ) -> None:
        """Forward to `upstreams`; names below one of `suffixes` go to the upstreams given there.

        `conclude` is called once for each exchange, with None if no upstream answered. `stand_in`
        gives a substitute for an answer that is late, if there is one. While questions come,
        `ready_sockets` sockets are kept open for the next ones.
        """
        self.reactor = reactor
        self.most_in_flight = in_flight
        self._most_to_the_dead = min(_MOST_TO_THE_DEAD, in_flight)
        self.sockets = QuerySockets(reactor, self._fill)
        self._conclude, self._stand_in = conclude, stand_in
        self._group = Group.at(reactor, upstreams)
        self._suffixes = {
            suffix: Group.at(reactor, special) for suffix, special in (suffixes or {}).items()
        }
        self._ready = ReadySockets(self.sockets, self._group, ready_sockets)
        self._lock = threading.Lock()
        """Held while `_pending` and `_places` change together; never while a callback is called."""
        self._pending: dict[Forward, PendingQuestion[T | Failure]] = {}
        self._places = Places()
        self._tick: IDelayedCall | None = None
        self._log = Logger()

    def ask(self, plan: Forward, asker: Asker[T], network: bytes = NOBODY) -> bool:
        """Ask `plan`; `asker` is called once, in the reactor's thread. From any thread.

        `asker` gets the conclusion, or a Failure if our own code failed. False: too many questions
        of `network` are under way; `asker` is not called.
        """
        with self._lock:
            pending = self._pending.get(plan)
            found = pending is not None
            if pending is None:
                group = self.group_for(plan.question.name)
                if not self._has_room(group, network):
                    return False
                pending = PendingQuestion(self.sockets, group, plan, self._ended)
                self._pending[plan] = pending
            elif not self._places.has_room(network, self.most_in_flight + 1 - len(self._pending)):
                return False
            pending.askers.append((asker, network))
            self._places.take(network)
        if not found:
            ready = self._ready.take() if group is self._group else None
            if ready is None:
                self.reactor.callFromThread(self._begin, pending)
            else:
                pending.send_first(ready)
        return True

    def forward(self, plan: Forward) -> Deferred[T]:
        """Ask `plan`; if too many questions are under way, conclude at once, as from no reply."""
        asked: Deferred[T] = Deferred(lambda asked: self._leave(plan, asked))
        if not self.ask(plan, asked.callback):
            asked.callback(self._conclude(plan, None))
        return asked

    def refresh(self, plan: Forward) -> None:
        """Ask `plan` only to refresh the cache before the answer expires. From any thread."""
        if plan not in self._pending:
            self.ask(plan, _nobody)

    @property
    def in_flight(self) -> int:
        """Questions under way."""
        return len(self._pending)

    @property
    def waiting(self) -> int:
        """Askers of all questions under way."""
        return len(self._places)

    @property
    def groups(self) -> tuple[Group, ...]:
        """The group for all other names, then the group of each suffix."""
        return (self._group, *self._suffixes.values())

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """All upstreams; one that serves several suffixes is given several times."""
        return tuple(member for group in self.groups for member in group.members)

    @property
    def suffixes(self) -> frozenset[Name]:
        """The suffixes that have their own upstreams."""
        return frozenset(self._suffixes)

    def group_for(self, name: Name) -> Group:
        """Give the group that is asked about `name`: the longest suffix decides."""
        suffix = below(name, self._suffixes) if self._suffixes else None
        return self._group if suffix is None else self._suffixes[suffix]

    def stopService(self) -> Deferred[object]:
        """End all questions without a reply, and close all connections; fires when closed."""
        super().stopService()  # type: ignore[no-untyped-call]
        for pending in list(self._pending.values()):
            pending.abandon()
        self._ready.close()
        self.sockets.close()
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        closing: list[Deferred[object]] = [group.close() for group in self.groups]
        return DeferredList(closing).addCallback(lambda _: None)

    def _has_room(self, group: Group, network: bytes) -> bool:
        """Say whether `network` may ask one more; few may be under way to a dead group."""
        under_way = len(self._pending)
        if self._places.has_room(network, self._most_to_the_dead - under_way):
            return True
        free = self.most_in_flight - under_way
        if group.all_dead(self.reactor.seconds()):
            to_it = sum(pending.group is group for pending in self._pending.values())
            free = min(free, self._most_to_the_dead - to_it)
        return self._places.has_room(network, free)

    def _begin(self, pending: PendingQuestion[T | Failure]) -> None:
        pending.begin()
        if self._pending:
            self._look_after_soon()

    def _ended(self, pending: PendingQuestion[T | Failure], reply: UpstreamReply | None) -> None:
        """Follow an alias if the reply needs that; else conclude, and tell the askers."""
        try:
            if reply is not None:
                reply = synthesize_cnames(pending.plan.question, reply)
                if self._follows_alias(pending, reply):
                    return
            conclusion: T | Failure = self._conclude(pending.plan, reply)
        except Exception:  # noqa: BLE001 - an error in our code must not leave askers waiting
            conclusion = Failure()
        self._tell(pending, conclusion, ended=True)

    def _follows_alias(self, pending: PendingQuestion[T | Failure], reply: UpstreamReply) -> bool:
        """Ask for the name at which the aliases of `reply` end, if it may be asked for."""
        name = unfinished_at(pending.plan.question, reply)
        if name is None or name == pending.asked.question.name:
            return False
        group = self.group_for(name)
        if group is self._group and is_local(name):
            return False
        pending.follow(name, group, reply)
        return True

    def _tell(
        self, pending: PendingQuestion[T | Failure], conclusion: T | Failure, *, ended: bool
    ) -> None:
        with self._lock:
            if ended and self._pending.get(pending.plan) is pending:
                del self._pending[pending.plan]
            askers, pending.askers = pending.askers, []
            for _, network in askers:
                self._places.give_back(network)
        if self._tick is not None and not self._pending and not self._ready.kept:
            self._tick.cancel()
            self._tick = None
        for asker, _ in askers:
            try:
                asker(conclusion)
            except Exception:  # noqa: BLE001 - the other askers must be told, too
                self._log.failure("an answer could not be passed on")

    def _leave(self, plan: Forward, asked: Deferred[T]) -> None:
        """Remove one asker that has cancelled; the others are still told."""
        with self._lock:
            pending = self._pending.get(plan)
            mine = (asked.callback, NOBODY)
            if pending is not None and mine in pending.askers:
                pending.askers.remove(mine)
                self._places.give_back(NOBODY)

    def _fill(self) -> None:
        """Open sockets for the next questions; called after replies were read and passed on."""
        self._ready.fill(self.reactor.seconds())
        if self._ready.kept:
            self._look_after_soon()

    def _look_after_soon(self) -> None:
        if self._tick is None:
            self._tick = self.reactor.callLater(_TICK_S, self._look_after)

    def _look_after(self) -> None:
        """Go on with questions that are late; give askers that wait long a stale answer."""
        self._tick = None
        now = self.reactor.seconds()
        for pending in list(self._pending.values()):
            try:
                self._look_at(pending, now)
            except Exception:  # noqa: BLE001 - an error in our code must not stop the others
                self._log.failure("a late question could not be looked after")
        self._ready.keep(now)
        if self._pending or self._ready.kept:
            self._look_after_soon()

    def _look_at(self, pending: PendingQuestion[T | Failure], now: float) -> None:
        pending.look(now)
        if now - pending.begun >= STALE_AFTER_S and pending.askers:
            stand_in = self._stand_in(pending.plan)
            if stand_in is not None:  # the exchange goes on and refreshes the cache
                self._tell(pending, stand_in, ended=False)


def _nobody(_: object) -> None:
    pass
