"""What a report by token does to its slot, and when it may be passed over without a look."""

import datetime
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.adding import add_account
from registry.actions.addresses.registering import Registered
from registry.actions.addresses.rules import AddressRules
from registry.actions.errors import AccountInactive, UnknownToken
from registry.actions.updaters.tokens import (
    issue_token,
    revoke_slot,
    unchanged_network,
    update_by_token,
)
from registry.models import Account, PendingNetwork, Slot
from smartdns.contract.addresses import parse_address
from zones.catalog import Catalog

RULES = AddressRules()
DAY = datetime.date(2026, 5, 7)
YESTERDAY = DAY - datetime.timedelta(1)
HOME, NEW_HOME = "8.8.8.8", "9.9.9.9"


@pytest.fixture
def anna(sessions: sessionmaker[Session], catalog: Catalog) -> int:
    """An account."""
    with sessions.begin() as session:
        return add_account(session, "anna@example.com", None, catalog=catalog)


@pytest.fixture
def token(sessions: sessionmaker[Session], anna: int) -> str:
    """Of a router that has reported `HOME`, which is published."""
    with sessions.begin() as session:
        token = issue_token(session, anna, limit=5).token
    assert report(sessions, token, HOME) == (f"{HOME}/32", True)
    with sessions.begin() as session:
        session.execute(delete(PendingNetwork))
    return token


def report(sessions: sessionmaker[Session], token: str, address: str) -> tuple[str, bool]:
    """Report an address that may be registered."""
    with sessions.begin() as session:
        done = update_by_token(session, token, parse_address(address), rules=RULES, day=DAY)
    assert isinstance(done, Registered)
    return str(done.network), done.changed


def is_passed_over(sessions: sessionmaker[Session], token: str, address: str = HOME) -> bool:
    """Say whether a report would be answered by one look."""
    with sessions() as session:
        found = unchanged_network(session, token, parse_address(address), rules=RULES, day=DAY)
    return found is not None


def pending(sessions: sessionmaker[Session]) -> set[str]:
    """Networks to be published."""
    with sessions() as session:
        return {str(network) for network in session.scalars(select(PendingNetwork.network))}


def test_a_moved_home_has_both_networks_published(
    sessions: sessionmaker[Session], token: str
) -> None:
    """The former one, or it would be let in for ever, and the new one."""
    assert report(sessions, token, NEW_HOME) == (f"{NEW_HOME}/32", True)
    assert pending(sessions) == {f"{HOME}/32", f"{NEW_HOME}/32"}


def test_a_report_that_says_nothing_new_is_passed_over(
    sessions: sessionmaker[Session], token: str
) -> None:
    """Of this token and this address only, and it would have changed nothing."""
    assert is_passed_over(sessions, token)
    assert not is_passed_over(sessions, token, NEW_HOME)
    assert not is_passed_over(sessions, "another")
    assert report(sessions, token, HOME) == (f"{HOME}/32", False)
    assert pending(sessions) == set()


@pytest.mark.parametrize(
    "change", [{"active": False}, {"confirmed": False}, {"paid_until": YESTERDAY}]
)
def test_who_is_let_in_no_longer_is_told_so_however_often_the_router_reports(
    sessions: sessionmaker[Session], anna: int, token: str, change: dict[str, Any]
) -> None:
    """The same address again is no reason to say that all is well; the slot keeps the day."""
    with sessions.begin() as session:
        session.execute(update(Account).where(Account.id == anna).values(**change))
    assert not is_passed_over(sessions, token)
    with sessions.begin() as session:
        refused = update_by_token(session, token, parse_address(HOME), rules=RULES, day=DAY)
        assert isinstance(refused, AccountInactive)
    with sessions() as session:
        assert session.scalars(select(Slot.failing_since)).one() == DAY


def test_the_last_day_is_a_day(sessions: sessionmaker[Session], anna: int, token: str) -> None:
    """Who has paid until today is let in today."""
    with sessions.begin() as session:
        session.execute(update(Account).where(Account.id == anna).values(paid_until=DAY))
    assert is_passed_over(sessions, token)


def test_a_report_after_a_failure_is_looked_at(sessions: sessionmaker[Session], token: str) -> None:
    """The failure is over, and somebody who was mailed about it may be mailed about the next."""
    failing = update(Slot).values(failing_since=YESTERDAY, failure_mailed=True)
    with sessions.begin() as session:
        session.execute(failing)
    assert not is_passed_over(sessions, token)
    report(sessions, token, HOME)
    with sessions() as session:
        slot = session.scalars(select(Slot)).one()
        assert (slot.failing_since, slot.failure_mailed) == (None, False)
    assert is_passed_over(sessions, token)


def test_a_revoked_token_reports_nothing_and_what_it_held_is_published(
    sessions: sessionmaker[Session], anna: int, token: str
) -> None:
    """Closing the slot takes its network out at once."""
    with sessions.begin() as session:
        revoke_slot(session, anna, 1)
    assert pending(sessions) == {f"{HOME}/32"}
    assert not is_passed_over(sessions, token)
    with pytest.raises(UnknownToken):
        report(sessions, token, HOME)
