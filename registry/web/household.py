"""What DNS Settings shows of one account, read in one go."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from registry.actions.addresses.rules import judge_address
from registry.actions.errors import AddressOdd, Refused
from registry.day import utc_today
from registry.models import Account, Slot, SlotKind
from registry.web.parts import parts
from smartdns.contract.addresses import Address, Network, household_network


@dataclass(frozen=True, slots=True, repr=False)
class Here:
    """One address that the visitor was seen from."""

    family: int
    network: Network
    registered: bool
    refusal: Refused | None
    """Why it may not be registered, or (AddressOdd) not without a second thought."""

    @property
    def is_odd(self) -> bool:
        """The visitor may insist."""
        return isinstance(self.refusal, AddressOdd)

    @property
    def text(self) -> str:
        """An IPv4 address alone, an IPv6 prefix with its length."""
        return shown(self.network)


@dataclass(frozen=True, slots=True, repr=False)
class Held:
    """One registered network."""

    registration_id: int
    network: Network
    here: bool

    @property
    def text(self) -> str:
        """As in `Here`."""
        return shown(self.network)


@dataclass(frozen=True, slots=True, repr=False)
class Place:
    """One slot."""

    number: int | None
    kind: SlotKind
    label: str
    hostname: str | None
    failing: bool
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Household:
    """An account as its holder sees it."""

    here: tuple[Here, ...]
    places: tuple[Place, ...]
    region: str | None
    service_regions: dict[str, str] = field(default_factory=dict)
    automatic: bool = False
    limit: int = 0
    paid_until: datetime.date | None = None

    @property
    def ended(self) -> bool:
        """Its last day is over, so whatever is registered is not let in."""
        return self.paid_until is not None and self.paid_until < utc_today()

    @property
    def registered(self) -> bool:
        """All of what was seen is let in."""
        return all(here.registered for here in self.here)

    @property
    def elsewhere(self) -> Place | None:
        """The page's place, when it holds another network than this one: the button replaces it."""
        pages = [place for place in self.places if place.kind is SlotKind.PAGE]
        return pages[0] if pages and not self.registered else None

    @property
    def full(self) -> bool:
        """No further place is free."""
        return sum(place.number is not None for place in self.places) >= self.limit


def load_household(account_id: int, seen: Iterable[Address]) -> Household:
    """Read the account and compare what it holds with the addresses just `seen`."""
    rules = parts().rules
    query = select(Account).where(Account.id == account_id)
    loads = query.options(
        selectinload(Account.slots).selectinload(Slot.registrations),
        selectinload(Account.service_regions),
    )
    with parts().readers() as reading:
        account = reading.scalars(loads).one()
    networks = {held.network for slot in account.slots for held in slot.registrations}
    here = tuple(_here(address, networks) for address in seen)
    seen_networks = {one.network for one in here}
    slots = sorted(account.slots, key=lambda slot: (slot.number is None, slot.number or slot.id))
    return Household(
        here=here,
        places=tuple(_place(slot, seen_networks) for slot in slots),
        region=account.region,
        service_regions={choice.service: choice.region for choice in account.service_regions},
        automatic=account.register_automatically,
        limit=rules.slot_limit,
        paid_until=account.paid_until,
    )


def shown(network: Network) -> str:
    """An IPv4 address alone, anything else with its length."""
    return str(network.network_address) if network.prefixlen == 32 else str(network)


def _here(address: Address, networks: set[Network]) -> Here:
    rules = parts().rules
    network = household_network(address, rules.ipv6_prefix)
    registered = any(
        network.version == held.version and network.subnet_of(held)  # type: ignore[arg-type]
        for held in networks
    )
    refusal: Refused | None = None
    try:
        judge_address(address, rules)
    except Refused as found:
        refusal = found
    return Here(address.version, network, registered, refusal)


def _place(slot: Slot, seen: set[Network]) -> Place:
    return Place(
        slot.number,
        slot.kind,
        slot.label,
        slot.hostname,
        slot.failing_since is not None,
        tuple(Held(held.id, held.network, held.network in seen) for held in slot.registrations),
    )
