"""What DNS Settings shows of one account, read from the database in one go."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from registry.actions.addresses.rules import judge_address
from registry.actions.errors import ActionRefused, AddressDoubtful
from registry.day import utc_today
from registry.models import Account, Slot, SlotKind
from registry.web.services import services
from smartdns.contract.addresses import Address, Network, household_network


@dataclass(frozen=True, slots=True, repr=False)
class SeenAddress:
    """An address from which the visitor sent a request."""

    family: int
    """4 or 6."""
    network: Network
    registered: bool
    refusal: ActionRefused | None
    """Why it cannot be registered, or (AddressDoubtful) only after the visitor confirms it."""

    @property
    def is_doubtful(self) -> bool:
        """Whether the visitor may confirm it."""
        return isinstance(self.refusal, AddressDoubtful)

    @property
    def text(self) -> str:
        """As `display_text` gives it."""
        return display_text(self.network)


@dataclass(frozen=True, slots=True, repr=False)
class RegisteredNetwork:
    """A network that one slot has registered."""

    registration_id: int
    network: Network
    is_current: bool
    """The visitor's request came from it."""

    @property
    def text(self) -> str:
        """As `display_text` gives it."""
        return display_text(self.network)


@dataclass(frozen=True, slots=True, repr=False)
class SlotView:
    """A slot as the page shows it."""

    number: int | None
    kind: SlotKind
    label: str
    hostname: str | None
    failing: bool
    networks: tuple[RegisteredNetwork, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Household:
    """An account as its owner sees it."""

    seen: tuple[SeenAddress, ...]
    slots: tuple[SlotView, ...]
    region: str | None
    service_regions: dict[str, str] = field(default_factory=dict)
    automatic: bool = False
    limit: int = 0
    paid_until: datetime.date | None = None

    @property
    def ended(self) -> bool:
        """Whether its last day has passed, so that none of its networks is let in."""
        return self.paid_until is not None and self.paid_until < utc_today()

    @property
    def registered(self) -> bool:
        """Whether every seen address is registered."""
        return all(address.registered for address in self.seen)

    @property
    def replaceable(self) -> SlotView | None:
        """The slot of the page whose network the button would replace, if there is one."""
        of_page = [slot for slot in self.slots if slot.kind is SlotKind.PAGE]
        return of_page[0] if of_page and not self.registered else None

    @property
    def full(self) -> bool:
        """Whether the account has as many slots as it may have."""
        return sum(slot.number is not None for slot in self.slots) >= self.limit


def load_household(account_id: int, seen: Iterable[Address]) -> Household:
    """Read the account and compare its registered networks with the addresses just `seen`."""
    rules = services().rules
    query = select(Account).where(Account.id == account_id)
    loads = query.options(
        selectinload(Account.slots).selectinload(Slot.registrations),
        selectinload(Account.service_regions),
    )
    with services().readers() as reading:
        account = reading.scalars(loads).one()
    networks = {one.network for slot in account.slots for one in slot.registrations}
    addresses = tuple(_seen_address(address, networks) for address in seen)
    current = {address.network for address in addresses}
    slots = sorted(account.slots, key=lambda slot: (slot.number is None, slot.number or slot.id))
    return Household(
        seen=addresses,
        slots=tuple(_slot_view(slot, current) for slot in slots),
        region=account.region,
        service_regions={choice.service: choice.region for choice in account.service_regions},
        automatic=account.register_automatically,
        limit=rules.slot_limit,
        paid_until=account.paid_until,
    )


def display_text(network: Network) -> str:
    """Give an IPv4 address without its length, any other network with it."""
    return str(network.network_address) if network.prefixlen == 32 else str(network)


def _seen_address(address: Address, networks: set[Network]) -> SeenAddress:
    rules = services().rules
    network = household_network(address, rules.ipv6_prefix)
    registered = any(
        network.version == wider.version and network.subnet_of(wider)  # type: ignore[arg-type]
        for wider in networks
    )
    refusal: ActionRefused | None = None
    try:
        judge_address(address, rules)
    except ActionRefused as found:
        refusal = found
    return SeenAddress(address.version, network, registered, refusal)


def _slot_view(slot: Slot, current: set[Network]) -> SlotView:
    networks = (
        RegisteredNetwork(one.id, one.network, one.network in current) for one in slot.registrations
    )
    failing = slot.failing_since is not None
    return SlotView(slot.number, slot.kind, slot.label, slot.hostname, failing, tuple(networks))
