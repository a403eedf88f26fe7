"""The data that a decision may use; all of it is in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from smartdns.answering.memory.cache import Cache
from smartdns.answering.names import name_of
from smartdns.answering.query import Name
from smartdns.answering.rules.verified import VerifiedAddresses
from smartdns.contract.grants import Profile
from zones.catalog import Catalog

ALWAYS_PRIVATE = frozenset({name_of("plex.direct")})
"""Public names that mean a device in the home by design; its players need them."""


class Allowlist(Protocol):
    """The registered networks."""

    @property
    def loaded(self) -> bool:
        """Whether it was loaded and is not too old; if not, all sources are strangers."""

    def lookup(self, address: bytes, day: int) -> Profile | None:
        """Give the profile of the longest network with `address` (4 or 16 octets), or None."""

    def lookup_network(self, address: bytes, day: int) -> tuple[Profile, int] | None:
        """Give the same with that network's prefix length."""


@dataclass(frozen=True, slots=True, repr=False)
class RelayAddresses:
    """What steered names resolve to in one region; addresses as 4 and 16 octets."""

    ipv4: tuple[bytes, ...] = ()
    ipv6: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Switches:
    """What an operator may choose about answers."""

    block_private_relay: bool = True
    """iCloud Private Relay would bypass us: its names get NXDOMAIN."""
    filter_private_answers: bool = True
    """Take private addresses out of public answers (DNS rebinding)."""
    private_suffixes: frozenset[Name] = frozenset()
    """Below these a private address is in order, and nothing is answered here by special rule:
    the home's own domain, which a router answers for, and what the operator listed."""
    open_names: frozenset[Name] = frozenset()
    """Suffixes that are forwarded for strangers, too: the page and the connectivity checks."""


@dataclass(slots=True, repr=False)
class Knowledge:
    """Decisions read it; other code replaces its fields; only cache and `verified` learn."""

    allowlist: Allowlist
    catalog: Catalog
    relays: Mapping[str, RelayAddresses]
    """Region or `ANY_REGION` -> the addresses to answer now."""
    cache: Cache
    cookie_secret: bytes
    """16 octets that all our workers share: server cookies and loop probes are made with it."""
    check_host: Name | None = None
    """check.<host of the page>, under which the page's script asks whether it goes through us."""
    check_addresses: RelayAddresses = field(default_factory=RelayAddresses)
    """The addresses of a check name; the page can tell whether a device reaches them."""
    switches: Switches = field(default_factory=Switches)
    verified: VerifiedAddresses = field(default_factory=VerifiedAddresses)
