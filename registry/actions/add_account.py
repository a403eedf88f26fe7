import datetime
import secrets

from email_validator import EmailNotValidError, validate_email
from sqlalchemy.orm import Session

from registry.actions.errors import EmailTaken, EmailUnusable
from registry.actions.passwords import hash_password
from registry.actions.set_region import require_region
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


def new_uniquifier() -> str:
    """Random text that every session and mailed link of an account carries."""
    return secrets.token_hex(16)
