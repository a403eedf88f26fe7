"""What a network should be granted, from the database as it is now."""

import datetime
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, String, or_, select, type_coerce
from sqlalchemy.orm import Session

from registry.models import Account, Registration, ServiceRegion, Slot, SlotKind
from smartdns.contract.grants import Profile

network_text = type_coerce(Registration.network, String)
"""As its text: a million rows need not become a million objects."""


@dataclass(frozen=True, slots=True, repr=False)
class Holder:
    """An account that is let in from some network, by one of its registrations."""

    account_id: int
    choice: int
    proved: bool
    region: str | None
    paid_until: datetime.date | None


def supplier(holders: Iterable[Holder]) -> Holder:
    """Of those who hold one network, who supplies its regions.

    The newest choice that was proved; a DDNS name's claim only where nobody has proved any.
    """
    return max(holders, key=lambda holder: (holder.proved, holder.choice))


def last_day(holders: Iterable[Holder]) -> int | None:
    """Give the last day on which anybody of them is let in; None: no end."""
    days = [holder.paid_until for holder in holders]
    ends = [day.toordinal() for day in days if day is not None]
    return max(ends) if len(ends) == len(days) else None


def grants_for(
    session: Session, networks: Collection[str], today: datetime.date
) -> dict[str, Profile]:
    """Desired profile of each of these networks (normal text); absent: not to be let in.

    A network is let in while any account holds it that is active, confirmed and paid. Nobody is
    told who else is there: the profile names no one.
    """
    return _profiles(session, network_text.in_(networks), today) if networks else {}


def grants_after(
    session: Session, after: str, most: int, today: datetime.date
) -> tuple[dict[str, Profile], str | None]:
    """Walk all registered networks, `most` at a time, in the database's own order.

    Gives the grants among the next ones after `after` ("" begins), and where to go on; None: that
    was all. Short transactions: what changes meanwhile is pending and published after.
    """
    query = (
        select(network_text)
        .where(network_text > after)
        .group_by(network_text)
        .order_by(network_text)
        .limit(most)
    )
    networks = session.scalars(query).all()
    if not networks:
        return {}, None
    within = (network_text > after) & (network_text <= networks[-1])
    return _profiles(session, within, today), networks[-1] if len(networks) == most else None


def _profiles(
    session: Session, which: ColumnElement[bool], today: datetime.date
) -> dict[str, Profile]:
    holders: dict[str, list[Holder]] = {}
    for network, *columns in session.execute(_holders(today).where(which)):
        holders.setdefault(network, []).append(Holder(*columns))
    supplying = {network: supplier(of_network) for network, of_network in holders.items()}
    services = _services(session, {holder.account_id for holder in supplying.values()})
    return {
        network: Profile(
            region=holder.region,
            services=_other_than(holder.region, services.get(holder.account_id, {})),
            last_day=last_day(holders[network]),
            claimed=not holder.proved,
        )
        for network, holder in supplying.items()
    }


def _holders(today: datetime.date) -> Select[*tuple[Any, ...]]:
    return (
        select(
            network_text,
            Account.id,
            Registration.choice,
            Slot.kind != SlotKind.HOSTNAME,
            Account.region,
            Account.paid_until,
        )
        .join(Slot, Slot.id == Registration.slot_id)
        .join(Account, Account.id == Slot.account_id)
        .where(Account.active, Account.confirmed)
        .where(or_(Account.paid_until.is_(None), Account.paid_until >= today))
    )


def _services(session: Session, accounts: Collection[int]) -> dict[int, dict[str, str]]:
    services: dict[int, dict[str, str]] = {}
    columns = ServiceRegion.account_id, ServiceRegion.service, ServiceRegion.region
    query = select(*columns).where(ServiceRegion.account_id.in_(accounts))
    for account_id, service, region in session.execute(query) if accounts else ():
        services.setdefault(account_id, {})[service] = region
    return services


def _other_than(region: str | None, services: dict[str, str]) -> Mapping[str, str]:
    return MappingProxyType({name: chosen for name, chosen in services.items() if chosen != region})
