"""The grant that each network should have, computed from the database."""

import datetime
import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, String, or_, select, type_coerce
from sqlalchemy.orm import Session

from registry.database.bulk import among
from registry.models import Account, Registration, ServiceRegion, Slot, SlotKind
from smartdns.contract.grants import Profile
from smartdns.contract.redis_layout import encode_profile

network_text = type_coerce(Registration.network, String)
"""The column as text: a million rows do not become a million network objects."""


class Holder(NamedTuple):
    """One registration of a network, with what the grant needs of its account."""

    account_id: int
    choice: int
    proved: bool
    region: str | None
    paid_until: datetime.date | None


def merge_holders(holders: Sequence[Holder]) -> Holder:
    """Merge several registrations of one network into one.

    The regions are those of the newest proved choice; a DDNS name's claim sets the regions only if
    nobody has proved the network. The network is let in until the last of the accounts ends.
    """
    newest = max(holders, key=lambda holder: (holder.proved, holder.choice))
    ends = [holder.paid_until for holder in holders if holder.paid_until is not None]
    return newest._replace(paid_until=max(ends) if len(ends) == len(holders) else None)


def grants_for(
    session: Session, networks: Collection[str], today: datetime.date
) -> dict[str, Profile]:
    """Give network (normal text) -> profile; a network that is not in it is not let in.

    A network is let in while an account that is active, confirmed and paid has registered it. The
    profile says nothing about the accounts.
    """
    granted = _granted(session, network_text.in_(networks), today) if networks else ()
    return {network: profile for network, (profile, _) in granted}


def grant_texts_after(
    session: Session, after: str, most: int, today: datetime.date
) -> tuple[dict[str, str], str | None]:
    """Give the grants of the next `most` registered networks after `after` ("": from the start).

    The order is that of the database. Gives network -> the text that Redis should have, and the
    network to continue after, None at the end. Each step is a short transaction: what changes
    between two steps is pending and is published later.
    """
    distinct = select(network_text).group_by(network_text).order_by(network_text)
    networks = session.scalars(distinct.where(network_text > after).limit(most)).all()
    if not networks:
        return {}, None
    within = (network_text > after) & (network_text <= networks[-1])
    texts = {network: text for network, (_, text) in _granted(session, within, today)}
    return texts, networks[-1] if len(networks) == most else None


def _granted(
    session: Session, which: ColumnElement[bool], today: datetime.date
) -> Iterator[tuple[str, tuple[Profile, str]]]:
    rows: dict[str, Any] = {}
    shared: dict[str, list[Holder]] = {}
    for row in session.execute(_holders(today).where(which)):
        if (network := row[0]) in rows:
            shared.setdefault(network, [Holder(*rows[network][1:])]).append(Holder(*row[1:]))
        else:
            rows[network] = row
    rows |= {network: (network, *merge_holders(holders)) for network, holders in shared.items()}
    services = _services(session, {row[1] for row in rows.values()})
    for network, account, _, proved, region, paid_until in rows.values():
        if account in services:
            yield network, _grant(region, paid_until, proved, services[account])
        else:
            yield network, _plain_grant(region, paid_until, proved)


def _grant(
    region: str | None,
    paid_until: datetime.date | None,
    proved: bool,  # noqa: FBT001 - a value of the row
    services: Mapping[str, str],
) -> tuple[Profile, str]:
    others = {name: chosen for name, chosen in services.items() if chosen != region}
    last_day = None if paid_until is None else paid_until.toordinal()
    profile = Profile(region, MappingProxyType(others), last_day, claimed=not proved)
    return profile, encode_profile(profile)


@functools.lru_cache(maxsize=4096)
def _plain_grant(
    region: str | None,
    paid_until: datetime.date | None,
    proved: bool,  # noqa: FBT001
) -> tuple[Profile, str]:
    """For accounts without choices for single services: most accounts share a few grants."""
    return _grant(region, paid_until, proved, {})


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
    query = select(*columns).where(among(session, ServiceRegion.account_id, accounts))
    for account_id, service, region in session.execute(query) if accounts else ():
        services.setdefault(account_id, {})[service] = region
    return services
