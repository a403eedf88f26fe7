"""Sealed values: a browser stores them and sends them back, but cannot read or change them.

A seal is encrypted and authenticated (Fernet: AES-128-CBC and HMAC-SHA256). It is valid for one
purpose, for one owner, for a limited time and, if the caller wishes, for one use.
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
    """The seal is forged, too old, used before, or another owner's; the text has no content."""


class Seal:
    """Makes and opens seals with keys derived from one secret."""

    def __init__(
        self, secret: str, spend: Callable[[str], bool], clock: Callable[[], float] = time.time
    ) -> None:
        """`spend` stores that a seal's number was used; it gives False if it was used before."""
        self._secret = secret.encode()
        self._spend = spend
        self._clock = clock

    def close(self, purpose: str, owner: str, content: dict[str, str]) -> str:
        """Seal `content` for `owner`."""
        text = json.dumps([owner, os.urandom(12).hex(), content])
        return self._fernet(purpose).encrypt_at_time(text.encode(), int(self._clock())).decode()

    def open(self, purpose: str, owner: str, sealed: str, max_age_s: int) -> dict[str, str]:
        """Give the content, or raise SealError; a seal can be opened any number of times."""
        return self._read(purpose, owner, sealed, max_age_s)[1]

    def open_once(self, purpose: str, owner: str, sealed: str, max_age_s: int) -> dict[str, str]:
        """Give the content, or raise SealError; a seal can be opened only once in this way."""
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
            raise SealError("not one of our seals, or too old") from None
        sealed_for, number, content = json.loads(text)
        if not hmac.compare_digest(sealed_for, owner):
            raise SealError("another owner's")
        return number, content

    def _fernet(self, purpose: str) -> Fernet:
        key = hmac.digest(self._secret, f"seal {purpose}".encode(), hashlib.sha256)
        return Fernet(base64.urlsafe_b64encode(key))
