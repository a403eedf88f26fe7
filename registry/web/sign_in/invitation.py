"""Invitations: a link with which only one e-mail address can sign up.

Nothing is stored: the signed link contains the e-mail address. The link has no further use once
there is an account with that address.
"""

from itsdangerous import BadData, URLSafeTimedSerializer

VALID_S = 14 * 24 * 3600


def make_invitation(secret_key: str, email: str) -> str:
    """Give the text that `is_invited` accepts for `email`."""
    return _signer(secret_key).dumps(email.strip().lower())


def is_invited(secret_key: str, invitation: str, email: str | None) -> bool:
    """Say whether the invitation is valid and for this address; None: for any address."""
    try:
        invited = _signer(secret_key).loads(invitation, max_age=VALID_S)
    except BadData:
        return False
    return email is None or email.strip().lower() == invited


def _signer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="invitation")
