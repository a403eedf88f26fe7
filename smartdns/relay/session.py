"""Who may go where, and how many at a time; pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from smartdns.answering.names import first_label, parent
from smartdns.answering.query import Name
from smartdns.answering.steering import region_for
from smartdns.contract.addresses import SocketAddress
from smartdns.contract.check_names import BY_RELAY
from smartdns.contract.grants import Profile
from smartdns.relay.exits import Exit
from zones.catalog import ANY_REGION, Catalog

_OTHER_DESCRIPTORS = 100


class Allowlist(Protocol):
    """Who is let in; the mirror of what the registry published."""

    loaded: bool
    """It was read at least once."""
    generation: int
    """Rises with each change that can be seen."""

    def lookup(self, address: bytes, day: int) -> Profile | None:
        """Give what is granted to 4 or 16 octets on a UTC day, or None."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Times in seconds, and counts for one worker."""

    hello: float = 10.0
    """From the accepted connection to its server name."""
    connect: float = 10.0
    """From the server name to the origin's, over all its addresses."""
    idle: float = 600.0
    half_closed: float = 60.0
    """Idle, once one side has said its last."""
    drain: float = 5.0
    """From the wish to stop to the last connection cut."""
    connections: int = 20_000
    connections_per_client: int = 512
    pipes: int = 1024
    """For splicing; beyond them octets are copied."""

    def within(self, descriptors: int) -> "Limits":
        """Give what a process that may have so many descriptors can keep."""
        pipes = min(self.pipes, descriptors // 8)
        connections = (descriptors - 2 * pipes - _OTHER_DESCRIPTORS) // 2
        return replace(self, pipes=pipes, connections=min(self.connections, max(1, connections)))


@dataclass(frozen=True, slots=True, repr=False)
class CheckOrigin:
    """Where check names lead, so that a page can tell that a device reaches this relay."""

    host: Name
    """check.<host of the page>."""
    where: SocketAddress
    """Has a picture and nothing else: whatever comes through a relay has the relay's address."""

    def covers(self, name: Name) -> bool:
        """Say whether a name is a check name of a relay."""
        return parent(name) == self.host and first_label(name).startswith(BY_RELAY.encode())


@dataclass(slots=True, repr=False)
class Knowledge:
    """What the way of a connection depends on."""

    allowlist: Allowlist
    catalog: Catalog
    exits: Mapping[str, Exit]
    """Region, or `ANY_REGION`, -> way out; others are not served here."""
    relayed_regions: Collection[str]
    """Regions that have a relay, here or elsewhere, as the resolver has them."""
    check: CheckOrigin | None = None

    def way_out(self, name: Name, profile: Profile) -> str | None:
        """Say by which of `exits` a household reaches a name; None: by none of them."""
        match = self.catalog.find(name)
        if match is None:
            return None
        region = region_for(match.service, profile, self.relayed_regions)
        if region is None:
            return None
        for key in (region, ANY_REGION):
            if key in self.exits:
                return key
        return None


def client_network(address: bytes) -> bytes:
    """Give the octets that stand for a household: all of IPv4, /64 of IPv6."""
    return address[:8]


@dataclass(slots=True, repr=False)
class Census:
    """How many connections are open, in all and for each client network."""

    limits: Limits
    total: int = 0
    _per_client: dict[bytes, int] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """No further connection can be taken at all."""
        return self.total >= self.limits.connections

    def enter(self, network: bytes) -> bool:
        """Count one more; False, and it is not counted, where a client has its share."""
        count = self._per_client.get(network, 0)
        if count >= self.limits.connections_per_client:
            return False
        self._per_client[network] = count + 1
        self.total += 1
        return True

    def leave(self, network: bytes) -> None:
        """Count one less; a client without connections leaves nothing behind."""
        self.total -= 1
        count = self._per_client[network] - 1
        if count:
            self._per_client[network] = count
        else:
            del self._per_client[network]
