"""Passwords: which will do, for pages and commands alike, and argon2id as the web checks it."""

import functools
import string
import unicodedata

from argon2 import PasswordHasher

from registry.actions.errors import PasswordCommon, PasswordUnusable

LEAST_CHARACTERS = 8
MOST_CHARACTERS = 1024
_HASHER = PasswordHasher()
_TAIL = 4
"""So many digits and signs after a common word are what a guesser appends himself."""
_FEW_CHARACTERS = 2
"""As in aaaaaaaa and in 12121212."""
_OURS = frozenset({"mediastreamer", "smartdns", "smart dns"})


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
