"""Who is let in, and where their connections may go; pure.

A connection meets these questions in this order: is its source registered (`Admission.admit`),
has its network a place left (`census`), where does the name that it said lead for this household
(`Admission.route`), and may that address be connected at all (`OriginRules.allow`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from smartdns.answering.names import first_label, parent
from smartdns.answering.query import Name
from smartdns.answering.rules.rate_limit import client_key, host_key
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

    def lookup_network(self, address: bytes, day: int) -> tuple[Profile, int] | None:
        """Give the same with the prefix length of the network that was granted."""


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

    def admit(self, address: bytes, day: int) -> tuple[Profile, bytes] | None:
        """Give what a source was granted, and the key of its network; None: it is a stranger.

        `address` has 4 or 16 octets.
        """
        found = self.allowlist.lookup_network(address, day)
        return None if found is None else (found[0], household_key(address, found[1]))

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


def household_key(address: bytes, prefix_length: int) -> bytes:
    """Give the key of the network whose connections count together: the one that was granted.

    A single address of IPv6 stands for its /64, from which a device takes ever new ones.
    """
    single = len(address) == 16 and prefix_length > 64
    return host_key(address) if single else client_key(address, prefix_length)


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
