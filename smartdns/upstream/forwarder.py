"""Carry questions to the upstreams and bring back what they said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.posixbase import PosixReactorBase
from twisted.python.failure import Failure

from smartdns.answering.chasing import joined, unfinished_at
from smartdns.answering.dname import synthesize_cnames
from smartdns.answering.exchange import BUDGET_S
from smartdns.answering.local_names import is_local
from smartdns.answering.names import below
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name
from smartdns.answering.upstream_reply import UpstreamReply
from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.errand import Errand
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.shots import MOST_FLYING, Shots

_IN_FLIGHT_TO_THE_DEAD = 64


T = TypeVar("T")


@dataclass(eq=False, slots=True, repr=False)
class _UnderWay(Generic[T]):
    """A question that is being asked, and everybody who waits for it."""

    errand: Errand
    askers: "list[Deferred[T]]"


class Forwarder(Service, Generic[T]):
    """All upstreams, and the questions under way to them; equal questions share one exchange."""

    def __init__(
        self,
        reactor: PosixReactorBase,
        upstreams: Sequence[UpstreamAddress],
        conclude: Callable[[Forward, UpstreamReply | None], T],
        suffixes: Mapping[Name, Sequence[UpstreamAddress]] | None = None,
        in_flight: int = 2_000,
    ) -> None:
        """Forward to `upstreams`, and what is below one of `suffixes` to those named there.

        `conclude` makes of a reply, or of None where there was none, what the askers get; it is
        called once for each exchange.
        """
        self.reactor = reactor
        self._conclude = conclude
        self.most_in_flight = in_flight
        self._group = Group.at(reactor, upstreams)
        self._suffixes = {
            suffix: Group.at(reactor, special) for suffix, special in (suffixes or {}).items()
        }
        self._under_way: dict[Forward, _UnderWay[T]] = {}
        self.shots: Shots[Any] = Shots(
            reactor, self._group, self._under_way, min(MOST_FLYING, in_flight // 8)
        )

    @property
    def groups(self) -> tuple[Group, ...]:
        """The upstreams for everything, then those of each suffix."""
        return (self._group, *self._suffixes.values())

    @property
    def suffixes(self) -> frozenset[Name]:
        """What is asked of upstreams of its own."""
        return frozenset(self._suffixes)

    @property
    def upstreams(self) -> tuple[Upstream, ...]:
        """All of them, each once for each suffix that it is asked about."""
        return tuple(member for group in self.groups for member in group.members)

    @property
    def in_flight(self) -> int:
        """Questions under way."""
        return len(self._under_way) + len(self.shots.flying)

    def forward(self, plan: Forward) -> Deferred[T]:
        """Ask what `plan` asks, within the budget of an exchange.

        Without a query where too much is under way already, or where the upstreams are known
        to be dead and enough questions are out to see whether they come back.
        """
        if plan not in self._under_way:
            group = self.group_for(plan.question.name)
            if not self._has_room(group):
                return succeed(self._conclude(plan, None))
            until = self.reactor.seconds() + BUDGET_S
            shot = self.shots.adopt(plan)
            ended = self._ended(plan, until, plan.question.name)
            errand = Errand(self.reactor, group, plan, ended, shot=shot)
            self._under_way[plan] = _UnderWay(errand, [])
            errand.begin()
        askers = self._under_way[plan].askers
        asker: Deferred[T] = Deferred(askers.remove)
        askers.append(asker)
        return asker

    def group_for(self, name: Name) -> Group:
        """Say who is asked about `name`: the longest suffix decides."""
        suffix = below(name, self._suffixes)
        return self._group if suffix is None else self._suffixes[suffix]

    def stopService(self) -> Deferred[object]:
        """End what is under way, without results, and close all connections."""
        super().stopService()  # type: ignore[no-untyped-call]
        self.shots.close()
        for under_way in list(self._under_way.values()):
            under_way.errand.abandon()
        closing: list[Deferred[object]] = [group.close() for group in self.groups]
        return DeferredList(closing).addCallback(lambda _: None)

    def _has_room(self, group: Group) -> bool:
        dead = group.all_dead(self.reactor.seconds())
        limit = _IN_FLIGHT_TO_THE_DEAD if dead else self.most_in_flight
        return self.in_flight < limit

    def _ended(
        self, plan: Forward, until: float, asked: Name
    ) -> Callable[[UpstreamReply | None], None]:
        """Give what is called when an upstream was asked for `asked`, in the interest of `plan`."""

        def ended(reply: UpstreamReply | None) -> None:
            reply = None if reply is None else synthesize_cnames(plan.question, reply)
            further = None if reply is None else self._chase(plan, reply, until, asked)
            if further is not None:
                self._under_way[plan].errand = further
                further.begin()
                return
            under_way = self._under_way.pop(plan)
            try:
                conclusion: T | Failure = self._conclude(plan, reply)
            except Exception:  # noqa: BLE001 - a mistake of ours must not leave anybody waiting
                conclusion = Failure()
            # Emptied, too: an asker's way out knows the list, so they would be a circle.
            while under_way.askers:
                under_way.askers.pop(0).callback(conclusion)
            self.shots.fill()

        return ended

    def _chase(
        self, plan: Forward, begun: UpstreamReply, until: float, asked: Name
    ) -> Errand | None:
        """Make the errand for the rest of an unfinished chain of aliases; None: it has an end.

        Within the budget of the question, whose answer alone the rest becomes: a chain that
        somebody made up puts nothing under the names that it passes through.
        """
        name = unfinished_at(plan.question, begun)
        if name is None or name == asked:
            return None
        group = self.group_for(name)
        if group is self._group and is_local(name):
            return None
        ended = self._ended(plan, until, name)
        further = plan._replace(question=plan.question._replace(name=name))
        return Errand(
            self.reactor,
            group,
            further,
            lambda rest: ended(None if rest is None else joined(begun, rest)),
            until - self.reactor.seconds(),
        )
