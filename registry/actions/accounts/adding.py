"""A new account, and an e-mail address that nobody else has."""

import datetime

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry.actions.errors import EmailTaken, EmailUnusable
from registry.actions.preferences import require_region
from registry.actions.sign_in import hash_password, new_uniquifier
from registry.database.engine import insert_unless_present
from registry.models import Account
from zones.catalog import Catalog


def add_account(
    session: Session,
    email: str,
    password: str | None,
    *,
    catalog: Catalog,
    region: str | None = None,
    paid_until: datetime.date | None = None,
) -> int:
    """Add an account and give its number; without a password it gets one by mail or command."""
    email = normal_email(email)
    values = {
        "email": email,
        "password": None if password is None else hash_password(password, email),
        "confirmed": True,
        "active": True,
        "fs_uniquifier": new_uniquifier(),
        "paid_until": paid_until,
        "region": None if region is None else require_region(catalog, region),
    }
    statement = insert_unless_present(session, Account).values(values).returning(Account.id)
    account_id = session.scalar(statement)
    if account_id is None:
        raise EmailTaken
    return account_id


def normal_email(text: str) -> str:
    """Lower-cased normal form of an address that mail can reach; no look-up is made."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise EmailUnusable from None


def reserve_email(session: Session, email: str) -> None:
    """Let nobody else be given `email` until this transaction ends; EmailTaken if somebody was.

    By a row that is there for a moment: without it, who came second would find out by an UPDATE
    that fails, which leaves the e-mail address in PostgreSQL's log.
    """
    values = {"email": email, "fs_uniquifier": new_uniquifier()}
    statement = insert_unless_present(session, Account).values(values).returning(Account.id)
    placeholder = session.scalar(statement)
    if placeholder is None:
        raise EmailTaken
    session.execute(delete(Account).where(Account.id == placeholder))
