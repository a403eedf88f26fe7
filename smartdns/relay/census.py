"""How many connections are open, and whose they are; pure."""

from collections.abc import Collection, Iterator
from typing import Generic, TypeVar

from smartdns.relay.admission import RelayLimits

Member = TypeVar("Member")


class Census(Generic[Member]):
    """The connections of one worker, by the network that each is counted for."""

    def __init__(self, limits: RelayLimits) -> None:
        self.limits = limits
        self.total = 0
        self._members: dict[bytes, set[Member]] = {}

    def __iter__(self) -> Iterator[Member]:
        """Go through all connections that are open now, also where some end meanwhile."""
        return iter([one for members in self._members.values() for one in members])

    @property
    def full(self) -> bool:
        """One of those that are open must end before another can be taken."""
        return self.total >= self.limits.connections

    def has_room(self, network: bytes) -> bool:
        """Say whether a network may have one more, however many others have."""
        return len(self._members.get(network, ())) < self.limits.connections_per_client

    def largest(self) -> Collection[Member]:
        """Give the connections of the network that has most."""
        return max(self._members.values(), key=len, default=())

    def enter(self, network: bytes, member: Member) -> None:
        """Count one more."""
        self._members.setdefault(network, set()).add(member)
        self.total += 1

    def leave(self, network: bytes, member: Member) -> None:
        """Count one less; of a network without connections nothing is kept."""
        members = self._members[network]
        members.remove(member)
        self.total -= 1
        if not members:
            del self._members[network]
