"""Who is let in, how many connections they may have, and where these may go; pure.

A connection meets these questions in this order: is its source registered and within its share
(`Admission.admit`), where does the name that it said lead for this household (`Admission.route`),
and may that address be connected at all (`OriginRules.allow`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from smartdns.answering.names import first_label, parent
from smartdns.answering.query import Name
from smartdns.answering.rules.steering import region_for
from smartdns.contract.addresses import Address, AddressKind, SocketAddress, kind_of
from smartdns.contract.check_names import BY_RELAY
from smartdns.contract.grants import Profile
from smartdns.relay.egress import Egress
from zones.catalog import ANY_REGION, Catalog

_OTHER_DESCRIPTORS = 100
_PRIVATE = frozenset({AddressKind.GLOBAL, AddressKind.PRIVATE, AddressKind.LOOPBACK})


class RelayAllowlist(Protocol):
    """Who is let in; the mirror of what the registry published."""

    loaded: bool
    """It was read at least once, and is not too old."""
    generation: int
    """Rises with each change that can be seen."""

    def lookup(self, address: bytes, day: int) -> Profile | None:
        """Give what is granted to 4 or 16 octets on a UTC day, or None."""


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Times in seconds, and counts for one worker."""

    hello: float = 10.0
    """From the accepted connection to its server name."""
    connect: float = 10.0
    """From the server name to the connected origin, over all its addresses."""
    idle: float = 600.0
    """Without an octet in either direction."""
    half_closed: float = 60.0
    """The same, once one side has sent its last octet."""
    drain: float = 5.0
    """From the wish to stop to the end of the last connection."""
    connections: int = 20_000
    connections_per_client: int = 512
    pipes: int = 1024
    """For splicing; beyond them octets are copied."""

    def within(self, descriptors: int) -> "RelayLimits":
        """Give the limits of a process that may have so many descriptors."""
        pipes = min(self.pipes, descriptors // 8)
        connections = (descriptors - 2 * pipes - _OTHER_DESCRIPTORS) // 2
        return replace(self, pipes=pipes, connections=min(self.connections, max(1, connections)))


@dataclass(frozen=True, slots=True, repr=False)
class CheckOrigin:
    """Where check names lead, so that a page can tell that a device reaches this relay."""

    host: Name
    """check.<host of the page>."""
    where: SocketAddress
    """Serves a picture and nothing else: what comes by way of a relay has the relay's address."""

    def covers(self, name: Name) -> bool:
        """Say whether a name is a check name of a relay."""
        return parent(name) == self.host and first_label(name).startswith(BY_RELAY.encode())


@dataclass(slots=True, repr=False)
class Census:
    """How many connections are open, in all and for each client network."""

    limits: RelayLimits
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
        """Count one less; of a client without connections nothing is kept."""
        self.total -= 1
        count = self._per_client[network] - 1
        if count:
            self._per_client[network] = count
        else:
            del self._per_client[network]


@dataclass(slots=True, repr=False)
class Admission:
    """Decides for one worker, by what it is told and nothing else."""

    allowlist: RelayAllowlist
    catalog: Catalog
    egresses: Mapping[str, Egress]
    """Region, or `ANY_REGION`, -> how its origins are reached; others are not served here."""
    relayed_regions: Collection[str]
    """Regions that have a relay, here or elsewhere, as the resolver has them."""
    check: CheckOrigin | None = None
    limits: RelayLimits = field(default_factory=RelayLimits)
    census: Census = field(init=False)

    def __post_init__(self) -> None:
        self.census = Census(self.limits)

    def admit(self, address: bytes, day: int) -> Profile | None:
        """Let a source in and count its connection; None: it is a stranger or has its share.

        `address` has 4 or 16 octets. Each connection let in is to `leave` once.
        """
        profile = self.allowlist.lookup(address, day)
        if profile is None or not self.census.enter(client_network(address)):
            return None
        return profile

    def leave(self, address: bytes) -> None:
        """Count a connection of that source no longer."""
        self.census.leave(client_network(address))

    def still_lets_in(self, address: bytes, day: int) -> bool:
        """Say whether connections of that source may go on."""
        return self.allowlist.lookup(address, day) is not None

    def route(self, name: Name, profile: Profile) -> str | CheckOrigin | None:
        """Say by which of `egresses` a household reaches a name; None: by none of them."""
        if self.check is not None and self.check.covers(name):
            return self.check
        match = self.catalog.find(name)
        if match is None:
            return None
        region = region_for(match.service, profile, self.relayed_regions)
        if region is None:
            return None
        if region in self.egresses:
            return region
        return ANY_REGION if ANY_REGION in self.egresses else None


def client_network(address: bytes) -> bytes:
    """Give the octets that stand for a household: all of IPv4, /64 of IPv6."""
    return address[:8]


@dataclass(frozen=True, slots=True, repr=False)
class OriginRules:
    """Which addresses are never connected, so that nobody reaches what is behind the relay."""

    own: frozenset[Address] = frozenset()
    """Addresses of the service itself: an origin there would be a loop."""
    listening: frozenset[SocketAddress] = frozenset()
    """What this relay is bound to, wildcards included."""
    private_allowed: bool = False
    """Private, loopback and own addresses are allowed, but never where this relay listens."""

    def allow(self, address: Address, port: int, *, local: bool) -> bool:
        """Judge an address after resolution; `local`: it belongs to this machine."""
        kind = kind_of(address)
        if not self.private_allowed:
            return kind is AddressKind.GLOBAL and not local and address not in self.own
        return kind in _PRIVATE and not self._listens(address, port, local=local)

    def _listens(self, address: Address, port: int, *, local: bool) -> bool:
        return any(
            listen.port == port
            and (listen.address == address or (local and listen.address.is_unspecified))
            for listen in self.listening
        )
