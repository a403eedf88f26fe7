import datetime

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from registry.actions.accounts.adding import add_account
from registry.actions.addresses.rules import AddressRules
from registry.actions.errors import ActionRefused
from registry.actions.updaters.tokens import issue_token, update_by_token
from registry.following.failure_mail import FailureMail, mail_failures
from registry.models import Account
from smartdns.contract.addresses import parse_address
from zones.catalog import Catalog

MONDAY = datetime.date(2030, 6, 3)
TUESDAY = MONDAY + datetime.timedelta(days=1)
GOOD, BAD = "8.8.8.8", "192.168.1.1"


@pytest.fixture
def token(sessions: sessionmaker[Session], catalog: Catalog) -> str:
    """Token of an account's router."""
    with sessions.begin() as session:
        account = add_account(session, "anna@example.com", None, catalog=catalog)
        return issue_token(session, account, "living room", limit=5).token


def report(sessions: sessionmaker[Session], token: str, address: str, day: datetime.date) -> bool:
    """Let the router report from an address; say whether it was taken."""
    with sessions.begin() as session:
        sender = parse_address(address)
        done = update_by_token(session, token, sender, rules=AddressRules(), day=day)
        return not isinstance(done, ActionRefused)


def mails(sessions: sessionmaker[Session], day: datetime.date) -> list[tuple[str, str, str]]:
    """Mails that are sent on `day`."""
    sent: list[tuple[str, str, str]] = []
    mail = FailureMail(lambda *mail: sent.append(mail), "https://dns.example.com")
    assert mail_failures(sessions, day, mail) == len(sent)
    return sent


def test_one_mail_after_a_day_of_failure(sessions: sessionmaker[Session], token: str) -> None:
    """Not on the same day, once on the next, not again, and anew for a new failure."""
    assert not report(sessions, token, BAD, MONDAY)
    assert mails(sessions, MONDAY) == []
    [(recipient, _, text)] = mails(sessions, TUESDAY)
    assert recipient == "anna@example.com"
    assert "living room" in text
    assert "2030-06-03" in text
    assert "https://dns.example.com" in text
    assert BAD not in text
    assert mails(sessions, TUESDAY) == []
    assert report(sessions, token, GOOD, TUESDAY)
    assert not report(sessions, token, BAD, TUESDAY)
    assert len(mails(sessions, TUESDAY + datetime.timedelta(days=1))) == 1


def test_recovered_updater_causes_no_mail(sessions: sessionmaker[Session], token: str) -> None:
    """A failure that mended itself within the day is nobody's concern."""
    report(sessions, token, BAD, MONDAY)
    report(sessions, token, GOOD, MONDAY)
    assert mails(sessions, TUESDAY) == []


@pytest.mark.parametrize("column", ["updater_mails", "active", "confirmed"])
def test_nobody_is_mailed_against_their_will(
    sessions: sessionmaker[Session], token: str, column: str
) -> None:
    """Opted out, suspended or never confirmed: no mail."""
    report(sessions, token, BAD, MONDAY)
    with sessions.begin() as session:
        session.execute(update(Account).values({column: False}))
    assert mails(sessions, TUESDAY) == []


@pytest.mark.parametrize(
    ("language", "subject", "word"),
    [
        (None, "an address update has been failing", "The updater “living room”"),
        ("es", "una actualización de dirección está fallando", "El actualizador «living room»"),
        ("ar", "تحديث العنوان يفشل", "المُحدِّث «living room»"),
    ],
)
def test_the_mail_speaks_the_language_of_the_account(
    sessions: sessionmaker[Session], token: str, language: str | None, subject: str, word: str
) -> None:
    """Subject and text; English where the account has shown no language yet."""
    report(sessions, token, BAD, MONDAY)
    with sessions.begin() as session:
        session.execute(update(Account).values(language=language))
    [(_, said, text)] = mails(sessions, TUESDAY)
    assert subject in said
    assert word in text
    assert "2030-06-03" in text
    assert "https://dns.example.com" in text
