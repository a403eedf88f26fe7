"""Values that leave for a browser and must come back unread, unchanged, soon, and once.

A seal is encrypted and authenticated (Fernet: AES-128-CBC and HMAC-SHA256). It is bound to a
purpose and an owner, so that nobody can use another's, nor one's own for something else.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Callable

from cryptography.fernet import Fernet, InvalidToken


class SealError(ValueError):
    """A seal that is forged, somebody else's, too old, or used before; the text has no content."""


class Seal:
    """Makes and opens seals with keys derived from one secret."""

    def __init__(
        self, secret: str, spend: Callable[[str], bool], clock: Callable[[], float] = time.time
    ) -> None:
        """`spend` a seal's number: False where that was done before."""
        self._secret = secret.encode()
        self._spend = spend
        self._clock = clock

    def close(self, purpose: str, owner: str, content: dict[str, str]) -> str:
        """Seal `content` for `owner`."""
        text = json.dumps([owner, os.urandom(12).hex(), content])
        return self._fernet(purpose).encrypt_at_time(text.encode(), int(self._clock())).decode()

    def open(self, purpose: str, owner: str, sealed: str, max_age_s: int) -> dict[str, str]:
        """Give back what `close` was given; it may be opened again and again."""
        return self._read(purpose, owner, sealed, max_age_s)[1]

    def open_once(self, purpose: str, owner: str, sealed: str, max_age_s: int) -> dict[str, str]:
        """Give back what `close` was given, the first time only."""
        number, content = self._read(purpose, owner, sealed, max_age_s)
        if not self._spend(number):
            raise SealError("used before")
        return content

    def _read(
        self, purpose: str, owner: str, sealed: str, max_age_s: int
    ) -> tuple[str, dict[str, str]]:
        try:
            text = self._fernet(purpose).decrypt_at_time(
                sealed.encode(), max_age_s, int(self._clock())
            )
        except (InvalidToken, ValueError):
            raise SealError("not a seal of ours, or too old") from None
        whose, number, content = json.loads(text)
        if not hmac.compare_digest(whose, owner):
            raise SealError("somebody else's")
        return number, content

    def _fernet(self, purpose: str) -> Fernet:
        key = hmac.digest(self._secret, f"seal {purpose}".encode(), hashlib.sha256)
        return Fernet(base64.urlsafe_b64encode(key))
