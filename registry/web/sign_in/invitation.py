"""Invitations: a link that lets one e-mail address make an account, and nobody else.

Nothing is stored: the link carries who is invited, signed. It is spent once there is an account
with that address.
"""

from itsdangerous import BadData, URLSafeTimedSerializer

VALID_S = 14 * 24 * 3600


def make_invitation(secret_key: str, email: str) -> str:
    """Give the text that `is_invited` accepts for `email`."""
    return _signer(secret_key).dumps(email.strip().lower())


def is_invited(secret_key: str, invitation: str, email: str | None) -> bool:
    """Say whether the invitation holds, and for that address; None: for any."""
    try:
        invited = _signer(secret_key).loads(invitation, max_age=VALID_S)
    except BadData:
        return False
    return email is None or email.strip().lower() == invited


def _signer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="invitation")
