"""Grants: which network may ask, and what it chose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from smartdns.contract.addresses import Network

OFF: Final = "off"
"""In place of a region: this service is forwarded, not steered."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What the clients in a network may see; equal profiles get equal replies.

    Many networks share a profile, so a table of millions of grants keeps each profile once.
    """

    region: str | None = None
    """The household's default region, ISO 3166 alpha-2 in lower case; None: no preference."""
    services: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Service name -> region or `OFF`; only where it differs from the default."""
    last_day: int | None = None
    """The last UTC day it holds, as `datetime.date.toordinal()`; None: no end."""
    claimed: bool = False
    """A DDNS name vouches for the network and no request from it has: answer with care."""

    def holds_on(self, day: int) -> bool:
        """Say whether the grant still holds on `day` (a UTC day's ordinal)."""
        return self.last_day is None or day <= self.last_day

    def __hash__(self) -> int:
        return hash(
            (self.region, tuple(sorted(self.services.items())), self.last_day, self.claimed)
        )


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """One network and its profile; what one field of the Redis hash says."""

    network: Network
    profile: Profile


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """How far the published allowlist has come; compared as a pair, so a rebuild outranks.

    Both integers come from the database, hence a lagging Redis replica is recognised.
    """

    epoch: int
    position: int


@dataclass(frozen=True, slots=True, repr=False)
class GrantChange:
    """One published change; `profile` None means that the network is let in no longer."""

    head: Head
    network: Network
    profile: Profile | None
