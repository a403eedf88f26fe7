"""What the addresses of a followed host name mean for its slot; no look-up happens here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from registry.actions.addresses.rules import AddressRules, judge_address
from registry.actions.errors import AddressRefused
from smartdns.contract.addresses import Address, Network, household_network

FAMILIES = (4, 6)
GRACE_DAYS = 2
"""Whole days after the first failure during which a failing name keeps its networks."""

Answers = Mapping[int, Sequence[Address] | None]
"""Family (4 or 6) -> addresses in the order of the answer; empty: it has none; None: unknown."""


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """What a name claims for its slot."""

    networks: Mapping[int, Network]
    """Family -> the network that the name claims now."""
    kept: frozenset[int]
    """Families for which no server answered: their networks stay registered for a while."""

    @property
    def failing(self) -> bool:
        """Whether the name claims nothing that can be registered."""
        return not self.networks


def claim_of(answers: Answers, registered: Mapping[int, Network], rules: AddressRules) -> Claim:
    """Read the answers for both families; `registered` has family -> the slot's network.

    Of several addresses, the registered one counts, otherwise the first one that the rules allow.
    Private addresses are never allowed, not even on a household's own installation.
    """
    strict = replace(rules, private_allowed=False)
    networks: dict[int, Network] = {}
    kept = set()
    for family in FAMILIES:
        addresses = answers.get(family)
        if addresses is None:
            kept.add(family)
            continue
        usable = [
            _network(address, strict) for address in addresses if _is_allowed(address, strict)
        ]
        if usable:
            former = registered.get(family)
            networks[family] = former if former in usable else usable[0]
    return Claim(networks, frozenset(kept))


def _network(address: Address, rules: AddressRules) -> Network:
    return household_network(address, rules.ipv6_prefix)


def _is_allowed(address: Address, rules: AddressRules) -> bool:
    try:
        judge_address(address, rules)
    except AddressRefused:
        return False
    return True
