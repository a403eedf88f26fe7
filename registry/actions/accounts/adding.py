"""Adding an account, and reserving an e-mail address for one."""

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
    """Add an account and give its number, or raise EmailTaken.

    Without a password nobody can sign in until one is set by a mailed link or by a command.
    """
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
    """Give the lower-cased normal form of an e-mail address, or raise EmailUnusable; no look-up."""
    try:
        return validate_email(text.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise EmailUnusable from None


def reserve_email(session: Session, email: str) -> None:
    """Reserve `email` until this transaction ends, or raise EmailTaken.

    A temporary row does it. Without the row, the second of two transactions would fail in its
    UPDATE, and PostgreSQL would write the e-mail address into its log.
    """
    values = {"email": email, "fs_uniquifier": new_uniquifier()}
    statement = insert_unless_present(session, Account).values(values).returning(Account.id)
    placeholder = session.scalar(statement)
    if placeholder is None:
        raise EmailTaken
    session.execute(delete(Account).where(Account.id == placeholder))
