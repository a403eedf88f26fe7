"""Passwords and sessions: which passwords are accepted, how they are hashed, signing out."""

import functools
import secrets
import string
import unicodedata

from argon2 import PasswordHasher
from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry.actions.errors import PasswordCommon, PasswordUnusable
from registry.actions.find_account import lock_account
from registry.models import BrowserSession

LEAST_CHARACTERS = 8
MOST_CHARACTERS = 1024
_HASHER = PasswordHasher()
_SUFFIX_LENGTH = 4
"""Guessing programs append up to this many digits and signs to a common word."""
_FEW_CHARACTERS = 2
"""Different characters in a password such as aaaaaaaa or 12121212."""
_OUR_NAMES = frozenset({"mediastreamer", "smartdns", "smart dns"})


def set_password(session: Session, account_id: int, password: str) -> None:
    """Set a password, and end every session that was begun with the former one."""
    account = lock_account(session, account_id)
    account.password = hash_password(password, account.email)
    sign_out_everywhere(session, account_id)


def sign_out_everywhere(session: Session, account_id: int) -> None:
    """End every session of the account, and invalidate every link that was mailed to it."""
    lock_account(session, account_id).fs_uniquifier = new_uniquifier()
    session.execute(delete(BrowserSession).where(BrowserSession.account_id == account_id))


def hash_password(password: str, email: str) -> str:
    """Judge the password and give the argon2id hash of its NFKD form.

    Flask-Security hashes the same form, so the pages verify what a command has set.
    """
    judge_password(password, email)
    return _HASHER.hash(unicodedata.normalize("NFKD", password))


def judge_password(password: str, email: str) -> None:
    """Accept a new password for the account of `email`, or raise what is wrong with it.

    NIST SP 800-63B 5.1.1.2: a minimum length and a list of common passwords, but no rules about
    the kinds of characters.
    """
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise PasswordUnusable(least=LEAST_CHARACTERS, most=MOST_CHARACTERS)
    if _is_common(password, email):
        raise PasswordCommon


def _is_common(password: str, email: str) -> bool:
    """Say whether it is a leaked password, our name, or the e-mail address of the account.

    Upper and lower case make no difference, nor do a few digits or signs before and after it.
    """
    whole = unicodedata.normalize("NFKC", password).casefold()
    bare = whole.strip(string.digits + string.punctuation)
    own = {email.casefold(), email.casefold().partition("@")[0]} - {""}
    forms = {whole, bare} if len(whole) - len(bare) <= _SUFFIX_LENGTH else {whole}
    repeated = len(set(whole)) <= _FEW_CHARACTERS
    return repeated or any(form in _leaked() or form in _OUR_NAMES or form in own for form in forms)


@functools.cache
def _leaked() -> frozenset[str]:
    # This import builds large tables, so it happens only where a password is set.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(FREQUENCY_LISTS["passwords"])


def new_uniquifier() -> str:
    """Give random text; sessions and mailed links of an account are valid while it is the same."""
    return secrets.token_hex(16)
