from sqlalchemy.orm import Session

from registry.actions.find_account import lock_account
from registry.languages import LANGUAGES


def set_language(session: Session, account_id: int, language: str) -> None:
    """Write to the account in this language from now on; one that we do not speak is ignored."""
    if language in LANGUAGES:
        lock_account(session, account_id).language = language
