"""Which addresses can be registered: a decision without any look-up.

An address is allowed, or refused (`AddressRefused`), or doubtful (`AddressDoubtful`): then the
visitor can still confirm it. Addresses of VPNs and mobile networks are doubtful, because many
strangers share them and the TV usually has another one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from registry.actions.errors import (
    AddressDoubtful,
    AddressRefused,
    NetworkTooWide,
    NetworkWide,
)
from smartdns.contract.addresses import (
    HOUSEHOLD_IPV6_PREFIX,
    Address,
    AddressKind,
    Network,
    kind_of,
)

JOIN_WIFI = "Connect to the Wi-Fi of the TV, then try again."

KIND_REFUSED = f"Your request came from %(kind)s, which cannot be registered. {JOIN_WIFI}"
OWN_REFUSED = (
    "Your request came through an address of MediaStreamer itself, so it does not show your own"
    " address. Switch off the relay, VPN or proxy that you use, then try again."
)
DOUBTFUL: Mapping[str, str] = MappingProxyType(
    {
        "vpn": "This address belongs to a VPN. Switch the VPN off, then try again.",
        "private-relay": "This address belongs to iCloud Private Relay."
        " Switch Private Relay off for this network, then try again.",
        "mobile": f"This address belongs to a mobile network. {JOIN_WIFI}",
    }
)
"""Word of the operator's KNOWN_NETWORKS -> what the page says."""

_PRIVATE_KINDS = frozenset({AddressKind.PRIVATE, AddressKind.CARRIER_NAT, AddressKind.LOOPBACK})


class NetworkSet:
    """Networks, each with a word; finding an address takes one look-up per prefix length."""

    def __init__(self, networks: Mapping[Network, str]) -> None:
        self._words: dict[tuple[int, int], dict[int, str]] = {}
        for network, word in networks.items():
            shift = network.max_prefixlen - network.prefixlen
            at_length = self._words.setdefault((network.version, shift), {})
            at_length[int(network.network_address) >> shift] = word

    def find(self, address: Address) -> str | None:
        """Give the word of a network that contains `address`, or None."""
        number = int(address)
        for (version, shift), words in self._words.items():
            if version == address.version and (word := words.get(number >> shift)) is not None:
                return word
        return None


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Which addresses people can register on the web of this installation."""

    private_allowed: bool = False
    """Private, loopback and carrier addresses are allowed: for a household's own installation."""
    own: frozenset[Address] = frozenset()
    """Addresses of our relays, resolvers and gateways: never a household's. On a household's own
    installation the private addresses of the machine are not in it."""
    known: NetworkSet = field(default_factory=lambda: NetworkSet({}))
    """Networks that the operator has named as VPN, Private Relay or mobile."""
    ipv6_prefix: int = HOUSEHOLD_IPV6_PREFIX
    """Length of the prefix that one household has."""
    slot_limit: int = 5
    """Slots that one account may have; those of an operator are not counted."""


def judge_address(address: Address, rules: AddressRules, *, insisting: bool = False) -> None:
    """Accept `address`, or raise AddressRefused or, unless `insisting`, AddressDoubtful."""
    kind = kind_of(address)
    if kind is not AddressKind.GLOBAL and not (rules.private_allowed and kind in _PRIVATE_KINDS):
        raise AddressRefused(KIND_REFUSED, kind.name.lower(), kind=kind.value)
    if address in rules.own:
        raise AddressRefused(OWN_REFUSED, "own")
    word = rules.known.find(address)
    if word is not None and not insisting:
        raise AddressDoubtful(DOUBTFUL[word], word)


WIDEST = {4: 8, 6: 19}
"""Family -> shortest prefix that can be registered at all: what a registry of addresses assigns."""
WIDE = {4: 24, 6: 48}
"""Family -> shortest prefix that one household or one proxy may plausibly have."""


def is_wide(network: Network) -> bool:
    """Say whether the network is wider than any household's."""
    return network.prefixlen < WIDE[network.version]


def is_private(network: Network) -> bool:
    """Say whether nobody on the internet can have an address of the network."""
    kinds = {kind_of(network.network_address), kind_of(network.broadcast_address)}
    return kinds <= {*_PRIVATE_KINDS, AddressKind.LINK_LOCAL}


def judge_network(network: Network, *, insisting: bool) -> None:
    """Accept a network that an operator enters, or raise NetworkTooWide or NetworkWide.

    `insisting`: the operator confirms a network that is wider than a household's. No operator can
    confirm a network beyond `WIDEST`: it would open the resolver.
    """
    version = network.version
    if network.prefixlen < WIDEST[version]:
        raise NetworkTooWide(length=network.prefixlen, widest=WIDEST[version])
    if is_wide(network) and not insisting:
        raise NetworkWide(length=network.prefixlen, wide=WIDE[version])


def caution_about(network: Network) -> str | None:
    """Give what an operator should know who lets this network in, or None."""
    kind = kind_of(network.network_address)
    if kind is not AddressKind.GLOBAL:
        return f"{network} is {kind.value}: only devices that reach the resolver from it are let in"
    households = network.prefixlen < (32 if network.version == 4 else 48)
    return f"{network} is more than one household" if households else None
