"""An origin's addresses: which of them may be connected, and in which order."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from smartdns.contract.addresses import Address, AddressKind, SocketAddress, kind_of

_OF_A_LABORATORY = frozenset({AddressKind.GLOBAL, AddressKind.PRIVATE, AddressKind.LOOPBACK})
MOST_ADDRESSES = 8
"""How many of an origin's addresses are tried for one connection."""


@dataclass(frozen=True, slots=True, repr=False)
class OriginRules:
    """Where the relay never connects, so that nobody reaches what is behind or beside it."""

    own: frozenset[Address] = frozenset()
    """Addresses of the service itself: an origin there would be a loop."""
    listening: frozenset[SocketAddress] = frozenset()
    """What this relay is bound to, wildcards included."""
    private_allowed: bool = False
    """A laboratory: private, loopback and own addresses, but never where it listens."""

    def allow(self, address: Address, port: int, *, local: bool) -> bool:
        """Judge an address after resolution; `local`: it belongs to this machine."""
        kind = kind_of(address)
        if not self.private_allowed:
            return kind is AddressKind.GLOBAL and not local and address not in self.own
        return kind in _OF_A_LABORATORY and not self._listens(address, port, local=local)

    def _listens(self, address: Address, port: int, *, local: bool) -> bool:
        return any(
            listen.port == port
            and (listen.address == address or (local and listen.address.is_unspecified))
            for listen in self.listening
        )


class Endpoint(NamedTuple):
    """An address that may be connected, as a socket takes it."""

    version: int
    host: str

    def __repr__(self) -> str:
        """Show nothing: where somebody goes is theirs."""
        return "Endpoint"


def endpoint_of(address: Address) -> Endpoint:
    """Give the endpoint of an address."""
    return Endpoint(address.version, str(address))


def order(addresses: Iterable[Address]) -> tuple[Endpoint, ...]:
    """Take the families in turn, IPv6 first (RFC 8305 section 4), each address once."""
    by_family: tuple[list[Endpoint], list[Endpoint]] = ([], [])
    for address in dict.fromkeys(addresses):
        by_family[address.version == 4].append(endpoint_of(address))
    in_turn = (endpoint for pair in zip_longest(*by_family) for endpoint in pair)
    return tuple(endpoint for endpoint in in_turn if endpoint is not None)[:MOST_ADDRESSES]
