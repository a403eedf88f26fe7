"""Passwords: argon2id, in the form that the web's sign-in checks."""

import unicodedata

from argon2 import PasswordHasher

from registry.actions.errors import PasswordUnusable

LEAST_CHARACTERS = 8
MOST_CHARACTERS = 1024
_HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """Check the length and hash the NFKD form, as Flask-Security does (NIST SP 800-63B 5.1.1.2)."""
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise PasswordUnusable(least=LEAST_CHARACTERS, most=MOST_CHARACTERS)
    return _HASHER.hash(unicodedata.normalize("NFKD", password))
