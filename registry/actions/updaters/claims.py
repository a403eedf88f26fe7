"""What the answer to a followed name means for what its slot holds: without any look-up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from registry.actions.addresses.rules import AddressRules, judge_address
from registry.actions.errors import AddressRefused
from smartdns.contract.addresses import Address, Network, household_network

FAMILIES = (4, 6)
GRACE_DAYS = 2
"""A name that fails keeps what it held until so many whole days after the first failure."""

Answers = Mapping[int, Sequence[Address] | None]
"""Family (4 or 6) -> addresses in the order of the answer; empty: none exists; None: no answer."""


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """What a slot shall hold from now on."""

    networks: Mapping[int, Network]
    """One network of each family that the name claims now."""
    kept: frozenset[int]
    """Families that could not be asked: what is held stays for a while."""

    @property
    def failing(self) -> bool:
        """Say whether the name told nothing that could be used."""
        return not self.networks


def claim_of(answers: Answers, held: Mapping[int, Network], rules: AddressRules) -> Claim:
    """Read the answers for both families.

    Of several addresses the one that is held already counts, else the first that may be
    registered; private ones never may, not even on a household's own installation.
    """
    strict = replace(rules, private_allowed=False)
    networks: dict[int, Network] = {}
    kept = set()
    for family in FAMILIES:
        addresses = answers.get(family)
        if addresses is None:
            kept.add(family)
            continue
        usable = [_network(address, strict) for address in addresses if _may(address, strict)]
        if usable:
            networks[family] = held[family] if held.get(family) in usable else usable[0]
    return Claim(networks, frozenset(kept))


def _network(address: Address, rules: AddressRules) -> Network:
    return household_network(address, rules.ipv6_prefix)


def _may(address: Address, rules: AddressRules) -> bool:
    try:
        judge_address(address, rules)
    except AddressRefused:
        return False
    return True
