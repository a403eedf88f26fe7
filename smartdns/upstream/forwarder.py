"""All upstreams, and the questions under way to them; equal questions share one exchange.

    ask      from any thread: who wants to know, and the network that this counts for
    forward  the same as a Deferred, in the reactor's thread

The first query of most questions leaves at once from the thread that asks; the rest happens in the
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
"""An expired answer now is better than a fresh one later (RFC 8767 section 5)."""
_MOST_TO_THE_DEAD: Final = 64
"""Questions that may be out to find whether a dead group has come back."""
_TICK_S: Final = 0.1
"""How often late questions are looked after: one timer for all."""

T = TypeVar("T")
Asker = Callable[[T | Failure], None]


class Forwarder(Service, Generic[T]):
    """Asks upstreams, and gives what `conclude` makes of their replies to all who wait."""

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
        """Forward to `upstreams`, and what is below one of `suffixes` to those named there.

        `conclude` is called once for each exchange, with None where nobody answered. `stand_in`
        gives what does for an answer that is late, if there is any. While questions come, so many
        `ready_sockets` are kept open ahead of them.
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
        """Held while the two below are changed together; never while anything is called."""
        self._pending: dict[Forward, PendingQuestion[T | Failure]] = {}
        self._places = Places()
        self._tick: IDelayedCall | None = None
        self._log = Logger()

    def ask(self, plan: Forward, asker: Asker[T], network: bytes = NOBODY) -> bool:
        """Have `asker` called once, in the reactor's thread; False: there is no place. Any thread.

        It gets what was concluded, or a Failure where that was our mistake. `network` is for whom
        the place is counted.
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
        """Ask what `plan` asks; None is concluded from at once where too much is under way."""
        asked: Deferred[T] = Deferred(lambda asked: self._leave(plan, asked))
        if not self.ask(plan, asked.callback):
            asked.callback(self._conclude(plan, None))
        return asked

    def refresh(self, plan: Forward) -> None:
        """Ask what nobody waits for, so that the cache has it in time. From any thread."""
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
        """The upstreams for everything, then those of each suffix."""
        return (self._group, *self._suffixes.values())

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """All of them, each once for each suffix that it is asked about."""
        return tuple(member for group in self.groups for member in group.members)

    @property
    def suffixes(self) -> frozenset[Name]:
        """What is asked of upstreams of its own."""
        return frozenset(self._suffixes)

    def group_for(self, name: Name) -> Group:
        """Say who is asked about `name`: the longest suffix decides."""
        suffix = below(name, self._suffixes) if self._suffixes else None
        return self._group if suffix is None else self._suffixes[suffix]

    def stopService(self) -> Deferred[object]:
        """End what is under way, without results, and close all connections."""
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
        """Say whether one more question may be asked; where few are, whoever `group` is."""
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
        """Go on where an alias leads; else conclude, and tell those who wait."""
        try:
            if reply is not None:
                reply = synthesize_cnames(pending.plan.question, reply)
                if self._follows_alias(pending, reply):
                    return
            conclusion: T | Failure = self._conclude(pending.plan, reply)
        except Exception:  # noqa: BLE001 - a mistake of ours must not leave anybody waiting
            conclusion = Failure()
        self._tell(pending, conclusion, ended=True)

    def _follows_alias(self, pending: PendingQuestion[T | Failure], reply: UpstreamReply) -> bool:
        """Ask on for the name at which the aliases of `reply` end, where it may be asked for."""
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
            except Exception:  # noqa: BLE001 - nor keep the others waiting
                self._log.failure("an answer could not be passed on")

    def _leave(self, plan: Forward, asked: Deferred[T]) -> None:
        """Let one go who waits no longer; the others are told as ever."""
        with self._lock:
            pending = self._pending.get(plan)
            mine = (asked.callback, NOBODY)
            if pending is not None and mine in pending.askers:
                pending.askers.remove(mine)
                self._places.give_back(NOBODY)

    def _fill(self) -> None:
        """Have sockets for the next questions, now that replies have been read and passed on."""
        self._ready.fill(self.reactor.seconds())
        if self._ready.kept:
            self._look_after_soon()

    def _look_after_soon(self) -> None:
        if self._tick is None:
            self._tick = self.reactor.callLater(_TICK_S, self._look_after)

    def _look_after(self) -> None:
        """Ask on where an answer is late, and give who waits for long what there is."""
        self._tick = None
        now = self.reactor.seconds()
        for pending in list(self._pending.values()):
            try:
                self._look_at(pending, now)
            except Exception:  # noqa: BLE001 - a mistake of ours must not keep the others waiting
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
