"""Passwords and sessions: which passwords will do, argon2id as the web checks it, signing out."""

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
_TAIL = 4
"""So many digits and signs after a common word are what a guesser appends himself."""
_FEW_CHARACTERS = 2
"""As in aaaaaaaa and in 12121212."""
_OURS = frozenset({"mediastreamer", "smartdns", "smart dns"})


def set_password(session: Session, account_id: int, password: str) -> None:
    """Set a password; whoever is signed in with the former one is signed out."""
    account = lock_account(session, account_id)
    account.password = hash_password(password, account.email)
    sign_out_everywhere(session, account_id)


def sign_out_everywhere(session: Session, account_id: int) -> None:
    """End every session of the account, and every link that was mailed to it."""
    lock_account(session, account_id).fs_uniquifier = new_uniquifier()
    session.execute(delete(BrowserSession).where(BrowserSession.account_id == account_id))


def hash_password(password: str, email: str) -> str:
    """Judge the password of `email` and hash the NFKD form, as Flask-Security does."""
    judge_password(password, email)
    return _HASHER.hash(unicodedata.normalize("NFKD", password))


def judge_password(password: str, email: str) -> None:
    """Let a new password for the account of `email` pass, or raise what is wrong with it.

    NIST SP 800-63B 5.1.1.2: a least length and a list of what is tried first, no composition.
    """
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise PasswordUnusable(least=LEAST_CHARACTERS, most=MOST_CHARACTERS)
    if _is_common(password, email):
        raise PasswordCommon


def _is_common(password: str, email: str) -> bool:
    """Say whether it is on a list of leaked passwords, our name, or the account's own e-mail.

    In either case of letters, and with a few digits or signs around it, too.
    """
    told = unicodedata.normalize("NFKC", password).casefold()
    bare = told.strip(string.digits + string.punctuation)
    own = {email.casefold(), email.casefold().partition("@")[0]} - {""}
    forms = {told, bare} if len(told) - len(bare) <= _TAIL else {told}
    repeated = len(set(told)) <= _FEW_CHARACTERS
    return repeated or any(form in _leaked() or form in _OURS or form in own for form in forms)


@functools.cache
def _leaked() -> frozenset[str]:
    # It builds tables of many kinds when it is imported: only where a password is set.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(FREQUENCY_LISTS["passwords"])


def new_uniquifier() -> str:
    """Random text that every session and mailed link of an account carries."""
    return secrets.token_hex(16)
