"""A group: the upstreams for the same names, with their health and connections."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.posixbase import PosixReactorBase

from smartdns.answering.memory.exchange import Server
from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.health import Health, order_of_asking
from smartdns.upstream.stream import StreamPool


@dataclass(frozen=True, slots=True)
class Upstream:
    """One upstream of a group."""

    address: UpstreamAddress
    health: Health
    streams: StreamPool


class Group:
    """Upstreams, in the operator's order."""

    def __init__(self, members: Sequence[Upstream]) -> None:
        self.members = tuple(members)

    @classmethod
    def at(cls, reactor: PosixReactorBase, addresses: Sequence[UpstreamAddress]) -> "Group":
        """Make a group of upstreams, each with a new `Health`."""
        return cls(
            [Upstream(address, Health(), StreamPool(reactor, address)) for address in addresses]
        )

    def servers(self, now: float) -> list[Server]:
        """Give the members in the order to ask, as an `Exchange` takes them."""
        order, trial = order_of_asking([member.health for member in self.members], now)
        servers = [self._server(index, now) for index in order if index != trial]
        if trial is not None:
            self.members[trial].health.begin_trial(now)
            servers.insert(0, self._server(trial, now, patience=0.0))
        return servers

    def first_choice(self, now: float) -> Upstream | None:
        """Give the upstream to ask first and alone, by a datagram with a name in mixed case.

        None: there is no such upstream. Changes nothing, so any thread may call it.
        """
        if len(self.members) == 1:  # it needs no trial and no order
            best = self.members[0]
        else:
            order, trial = order_of_asking([member.health for member in self.members], now)
            if trial is not None or not order:
                return None
            best = self.members[order[0]]
        plain = best.address.tls_name is None and best.health.keeps_case(now)
        return best if plain and not best.health.dead(now) else None

    def servers_after(self, first: Upstream, now: float) -> list[Server]:
        """Give the order to ask after `first` was asked; without it if it may not be asked now."""
        index = self.members.index(first)
        servers = self.servers(now)
        asked = [each for each in servers if each.index == index]
        rest = [each for each in servers if each.index != index]
        patience = first.health.patience()
        return [replace(each, patience=patience, keeps_case=True) for each in asked] + rest

    def all_dead(self, now: float) -> bool:
        """Say whether all members are dead, so that questions will most likely fail."""
        return all(member.health.dead(now) for member in self.members)

    def close(self) -> Deferred[object]:
        """Drop all connections; fires when they are gone."""
        closing = [member.streams.close() for member in self.members]
        return DeferredList(closing).addCallback(lambda _: None)

    def _server(self, index: int, now: float, patience: float | None = None) -> Server:
        member = self.members[index]
        return Server(
            index,
            member.health.patience() if patience is None else patience,
            stream_only=member.address.tls_name is not None,
            keeps_case=member.health.keeps_case(now),
            dead=member.health.dead(now),
        )
