"""What a network should be granted, from the database as it is now."""

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
"""As its text: a million rows need not become a million objects."""


class Holder(NamedTuple):
    """An account that is let in from some network, by one of its registrations."""

    account_id: int
    choice: int
    proved: bool
    region: str | None
    paid_until: datetime.date | None


def merge_holders(holders: Sequence[Holder]) -> Holder:
    """Say how a network is let in that several registrations hold: as one holder.

    Regions come from the newest choice that was proved; a DDNS name's claim supplies them only
    where nobody has proved any. It is let in until the last of them ends.
    """
    newest = max(holders, key=lambda holder: (holder.proved, holder.choice))
    ends = [holder.paid_until for holder in holders if holder.paid_until is not None]
    return newest._replace(paid_until=max(ends) if len(ends) == len(holders) else None)


def grants_for(
    session: Session, networks: Collection[str], today: datetime.date
) -> dict[str, Profile]:
    """Desired profile of each of these networks (normal text); absent: not to be let in.

    A network is let in while any account holds it that is active, confirmed and paid. Nobody is
    told who else is there: the profile names no one.
    """
    granted = _granted(session, network_text.in_(networks), today) if networks else ()
    return {network: profile for network, (profile, _) in granted}


def grant_texts_after(
    session: Session, after: str, most: int, today: datetime.date
) -> tuple[dict[str, str], str | None]:
    """Walk all registered networks, `most` at a time, in the database's own order.

    Gives the grants among the next ones after `after` ("" begins) as the texts that Redis should
    hold, and where to go on; None: that was all. Short transactions: what changes meanwhile is
    pending and published after.
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
    held: dict[str, Any] = {}
    shared: dict[str, list[Holder]] = {}
    for row in session.execute(_holders(today).where(which)):
        if (network := row[0]) in held:
            shared.setdefault(network, [Holder(*held[network][1:])]).append(Holder(*row[1:]))
        else:
            held[network] = row
    held |= {network: (network, *merge_holders(holders)) for network, holders in shared.items()}
    services = _services(session, {row[1] for row in held.values()})
    for network, account, _, proved, region, paid_until in held.values():
        if account in services:
            yield network, _grant(region, paid_until, proved, services[account])
        else:
            yield network, _plain_grant(region, paid_until, proved)


def _grant(
    region: str | None,
    paid_until: datetime.date | None,
    proved: bool,  # noqa: FBT001 - as the row has it
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
    """Of the many who chose nothing for single services; the same few again and again."""
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
