"""Carry questions to the upstreams and bring back what they said."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.posixbase import PosixReactorBase

from smartdns.answering.names import below
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question
from smartdns.answering.upstream_reply import UpstreamReply
from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.errand import Errand
from smartdns.upstream.group import Group

_IN_FLIGHT_TO_THE_DEAD = 64


@dataclass(frozen=True, slots=True)
class _Key:
    question: Question
    dnssec_ok: bool
    checking_disabled: bool


class Forwarder(Service):
    """All upstreams, and the questions under way to them; equal questions share one exchange."""

    def __init__(
        self,
        reactor: PosixReactorBase,
        upstreams: Sequence[UpstreamAddress],
        suffixes: Mapping[Name, Sequence[UpstreamAddress]] | None = None,
        in_flight: int = 2_000,
    ) -> None:
        """Forward to `upstreams`, and what is below one of `suffixes` to those named there."""
        self._reactor = reactor
        self._most_in_flight = in_flight
        self._group = Group(reactor, upstreams)
        self._suffixes = {
            suffix: Group(reactor, special) for suffix, special in (suffixes or {}).items()
        }
        self._errands: dict[_Key, Errand] = {}

    @property
    def groups(self) -> tuple[Group, ...]:
        """The upstreams for everything, then those of each suffix."""
        return (self._group, *self._suffixes.values())

    @property
    def in_flight(self) -> int:
        """Questions under way."""
        return len(self._errands)

    def forward(self, plan: Forward) -> Deferred[UpstreamReply | None]:
        """Ask for what `plan` asks; None within the budget when nobody answered.

        None at once when too much is under way already, or the upstreams are known to be dead
        and enough questions are out to see whether they come back.
        """
        key = _Key(plan.question, plan.dnssec_ok, plan.checking_disabled)
        errand = self._errands.get(key)
        if errand is None:
            group = self.group_for(plan.question.name)
            if not self._has_room(group):
                return succeed(None)
            errand = Errand(self._reactor, group, plan, self._forget(key))
            self._errands[key] = errand
            errand.begin()
        return errand.result()

    def group_for(self, name: Name) -> Group:
        """Say who is asked about `name`: the longest suffix decides."""
        suffix = below(name, self._suffixes)
        return self._group if suffix is None else self._suffixes[suffix]

    def stopService(self) -> None:
        """End what is under way, without results, and close all connections."""
        super().stopService()
        for errand in list(self._errands.values()):
            errand.abandon()
        for group in self.groups:
            group.close()

    def _has_room(self, group: Group) -> bool:
        dead = group.all_dead(self._reactor.seconds())
        limit = _IN_FLIGHT_TO_THE_DEAD if dead else self._most_in_flight
        return self.in_flight < limit

    def _forget(self, key: _Key) -> Callable[[], None]:
        def forget() -> None:
            self._errands.pop(key, None)

        return forget
