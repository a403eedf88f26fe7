"""Accounts and what they hold, written straight into the tables; and who should be let in."""

import datetime
import ipaddress
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import MappingProxyType

from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from registry.database.engine import make_readers, make_sessions
from registry.models import Account, PublishedHead, Registration, ServiceRegion, Slot, SlotKind
from registry.pending import mark_pending
from smartdns.contract.addresses import Network
from smartdns.contract.grants import Profile

TODAY = datetime.date(2026, 11, 23)


class Households:
    """A database of households; every change notes its networks, as actions do."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._added = 0

    @contextmanager
    def changing(self, account: int | None = None) -> Iterator[Session]:
        """One transaction; the networks of `account` before and after it are noted."""
        with make_sessions(self.engine).begin() as session:
            before = _networks(session, account)
            yield session
            session.flush()
            mark_pending(session, {*before, *_networks(session, account)})

    def add(
        self,
        *networks: str,
        region: str | None = None,
        until: datetime.date | None = None,
        kind: SlotKind = SlotKind.PAGE,
        services: dict[str, str] | None = None,
    ) -> int:
        """Add an account that holds these networks."""
        self._added += 1
        with self.changing() as session:
            account = Account(
                email=f"{self._added}@example.com",
                fs_uniquifier=str(self._added),
                paid_until=until,
                region=region,
            )
            for service, chosen in (services or {}).items():
                account.service_regions.append(ServiceRegion(service=service, region=chosen))
            session.add(account)
            session.flush()
            number = account.id
        for network in networks:
            self.hold(number, network, kind)
        return number

    def hold(self, account: int, network: str | Network, kind: SlotKind = SlotKind.PAGE) -> None:
        """Register a network in a slot of its own, as the newest choice."""
        held = ipaddress.ip_network(network)
        with self.changing(account) as session:
            head = session.scalars(select(PublishedHead)).one()
            head.last_choice += 1
            slot = Slot(account_id=account, kind=kind, hostname="a.example", label="")
            session.add(slot)
            session.flush()
            session.add(
                Registration(
                    slot_id=slot.id, family=held.version, network=held, choice=head.last_choice
                )
            )

    def let_go(self, account: int, network: str | Network) -> None:
        """Remove the account's registrations of a network."""
        held = ipaddress.ip_network(network)
        slots = select(Slot.id).where(Slot.account_id == account)
        with self.changing(account) as session:
            session.execute(
                delete(Registration)
                .where(Registration.network == held, Registration.slot_id.in_(slots))
                .execution_options(synchronize_session=False)
            )

    def alter(self, account: int, **columns: object) -> None:
        """Set columns of the account: region, paid_until, active, confirmed."""
        with self.changing(account) as session:
            row = session.get_one(Account, account)
            for name, value in columns.items():
                setattr(row, name, value)

    def delete(self, account: int) -> None:
        """Remove the account with all that it holds."""
        with self.changing(account) as session:
            session.execute(delete(Account).where(Account.id == account))

    def should_be(self, today: datetime.date) -> dict[Network, Profile]:
        """Work out slowly and plainly who is let in, from the whole database."""
        with make_readers(self.engine).begin() as session:
            registrations = session.scalars(select(Registration)).all()
            let_in = [r for r in registrations if _is_let_in(r.slot.account, today)]
            return {
                network: _profile([r for r in let_in if r.network == network])
                for network in {r.network for r in let_in}
            }


def _networks(session: Session, account: int | None) -> Iterable[Network]:
    query = select(Registration.network).join(Slot).where(Slot.account_id == account)
    return session.scalars(query).all()


def _is_let_in(account: Account, today: datetime.date) -> bool:
    paid = account.paid_until is None or account.paid_until >= today
    return account.active and account.confirmed and paid


def _profile(registrations: list[Registration]) -> Profile:
    proved = [r for r in registrations if r.slot.kind is not SlotKind.HOSTNAME]
    newest = max(proved or registrations, key=lambda r: r.choice).slot.account
    ends = [r.slot.account.paid_until for r in registrations]
    return Profile(
        newest.region,
        MappingProxyType(
            {s.service: s.region for s in newest.service_regions if s.region != newest.region}
        ),
        None if None in ends else max(day for day in ends if day is not None).toordinal(),
        claimed=not proved,
    )
