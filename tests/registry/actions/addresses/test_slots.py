"""Fifty requests at once never get more slots than the limit, by threads and by processes."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.adding import add_account
from registry.actions.addresses.registering import register_address
from registry.actions.addresses.rules import AddressRules
from registry.actions.errors import SlotsFull
from registry.actions.updaters.tokens import issue_token
from registry.database.engine import make_engine, make_sessions
from registry.models import PublishedHead, Registration, Slot
from smartdns.contract.addresses import parse_address
from zones.catalog import Catalog

LIMIT = 5
REQUESTS = 50


def request(sessions: sessionmaker[Session], account: int, number: int) -> bool:
    """One request: of odd number for a token, else for one more address of the page."""
    try:
        with sessions.begin() as session:
            if number % 2:
                issue_token(session, account, limit=LIMIT)
                return True
            address = parse_address(f"8.8.4.{number}")
            rules = AddressRules(slot_limit=LIMIT)
            register_address(session, account, address, rules=rules, slot="new")
            return True
    except SlotsFull:
        return False


@pytest.fixture
def account(sessions: sessionmaker[Session], catalog: Catalog) -> int:
    """An account without slots."""
    with sessions.begin() as session:
        return add_account(session, "anna@example.com", None, catalog=catalog)


def check(sessions: sessionmaker[Session], outcomes: list[bool]) -> None:
    """As many succeeded as the limit allows, and as many slots are there."""
    assert len(outcomes) == REQUESTS
    assert sum(outcomes) == LIMIT
    with sessions.begin() as session:
        assert session.scalar(select(func.count()).select_from(Slot)) == LIMIT
        registered = session.scalars(select(Registration.choice)).all()
        assert sorted(registered) == list(range(1, len(registered) + 1))
        assert session.get_one(PublishedHead, 1).last_choice == len(registered)


def test_threads_never_exceed_the_limit(sessions: sessionmaker[Session], account: int) -> None:
    """Fifty threads that start together open five slots, and 45 are refused properly."""
    start = threading.Barrier(REQUESTS)

    def wait_and_request(number: int) -> bool:
        start.wait()
        return request(sessions, account, number)

    with ThreadPoolExecutor(REQUESTS) as threads:
        check(sessions, list(threads.map(wait_and_request, range(REQUESTS))))


def work(url: str, account: int, numbers: range) -> list[bool]:
    """In a process of its own: some of the requests."""
    engine = make_engine(url)
    sessions = make_sessions(engine)
    with ThreadPoolExecutor(5) as threads:
        outcomes = list(threads.map(lambda number: request(sessions, account, number), numbers))
    engine.dispose()
    return outcomes


@pytest.mark.processes
def test_processes_never_exceed_the_limit(
    engine: Engine, sessions: sessionmaker[Session], account: int
) -> None:
    """The same from two processes, which share nothing but the database."""
    url = engine.url.render_as_string(hide_password=False)
    shares = [(url, account, range(first, REQUESTS, 2)) for first in range(2)]
    with multiprocessing.get_context("spawn").Pool(2) as processes:
        outcomes = processes.starmap(work, shares)
    check(sessions, [outcome for share in outcomes for outcome in share])
