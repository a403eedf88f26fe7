"""Mail to account holders: over SMTP with TLS, or into a folder for trials.

Sending happens in a thread of its own, so that a page takes the same time whether or not there
was somebody to write to. Nothing is kept: a mail that cannot be sent in a few tries is dropped.
"""

import contextlib
import itertools
import logging
import os
import queue
import smtplib
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import email_validator
from flask import Flask
from flask_security.mail_util import EmailValidateException, MailUtil

Deliver = Callable[[EmailMessage], None]

_RETRY_AFTER_S = (5.0, 60.0)
_TIMEOUT_S = 20.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_log = logging.getLogger(__name__)


def make_delivery(url: str) -> Deliver:
    """Give the way that `url` names: smtp://, smtps://, or a folder's path. ValueError if none."""
    parts = urlsplit(url)
    if parts.scheme in {"smtp", "smtps"}:
        if not parts.hostname:
            raise ValueError("takes smtp://[USER:PASSWORD@]HOST[:PORT] or a folder")
        return lambda message: _send(message, url)
    if parts.scheme not in {"", "file"}:
        raise ValueError("takes smtp://[USER:PASSWORD@]HOST[:PORT] or a folder")
    folder = Path(parts.path)
    return lambda message: _write(message, folder)


class Postman:
    """Delivers what is handed to it, one after another, beside the pages."""

    def __init__(self, deliver: Deliver, sender: str) -> None:
        self.sender = sender
        self._deliver = deliver
        self._messages: queue.Queue[EmailMessage | None] = queue.Queue(1000)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """Deliver what is there, with one try each, then stop."""
        self._stopping.set()
        self._messages.put(None)
        self._thread.join(_TIMEOUT_S)

    def post(self, recipient: str, subject: str, body: str) -> None:
        """Hand over one mail; a flood beyond the queue is dropped."""
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = recipient
        message["Subject"] = subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2].strip(">"))
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
        try:
            self._messages.put_nowait(message)
        except queue.Full:
            _log.error("too many mails are waiting; one was dropped")

    def _run(self) -> None:
        while (message := self._messages.get()) is not None:
            for wait_s in (*_RETRY_AFTER_S, None):
                try:
                    self._deliver(message)
                    break
                except Exception as error:  # noqa: BLE001  # the next mail is somebody else's
                    _log.error("a mail could not be sent: %s", type(error).__name__)
                if wait_s is None or self._stopping.wait(wait_s):
                    break


def _send(message: EmailMessage, url: str) -> None:
    """Speak SMTP; beyond this machine never without TLS (RFC 8314)."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(
            host, parts.port or 465, timeout=_TIMEOUT_S, context=context
        )
    else:
        client = smtplib.SMTP(host, parts.port or 587, timeout=_TIMEOUT_S)
    with client:
        client.ehlo()
        if parts.scheme == "smtp" and (client.has_extn("starttls") or host not in _LOOPBACK):
            client.starttls(context=context)
            client.ehlo()
        if parts.username:
            client.login(unquote(parts.username), unquote(parts.password or ""))
        client.send_message(message)


def _write(message: EmailMessage, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = folder / f".{os.urandom(8).hex()}"
    unfinished.write_bytes(message.as_bytes())
    try:
        _number(unfinished, folder)
    finally:
        unfinished.unlink()


def _number(unfinished: Path, folder: Path) -> None:
    """Give it the number after the last one: a link, unlike renaming, never replaces a file."""
    numbers = (int(file.stem) for file in folder.glob("*.eml") if file.stem.isdecimal())
    for number in itertools.count(max(numbers, default=0) + 1):
        with contextlib.suppress(FileExistsError):  # somebody else's, a moment ago
            (folder / f"{number:04}.eml").hardlink_to(unfinished)
            return


class SecurityMail(MailUtil):
    """Flask-Security's mails through the postman, and its idea of an e-mail address."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self._postman: Postman | None = app.config["POSTMAN"]

    def send_mail(
        self,
        template: str,  # noqa: ARG002
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],  # noqa: ARG002
        body: str | None,
        html: str | None,  # noqa: ARG002
        **_: Any,  # noqa: ANN401
    ) -> None:
        """Post the plain text."""
        if self._postman is not None:
            self._postman.post(str(recipient), str(subject), body or "")

    def normalize(self, email: str) -> str:
        """For signing in: whatever an operator has given an account, in lower case."""
        return email.strip().lower()

    def validate(self, email: str) -> str:
        """For signing up: an address that mail can go to; no look-ups."""
        try:
            found = email_validator.validate_email(email, check_deliverability=False)
        except ValueError:
            raise EmailValidateException("") from None
        return found.normalized.lower()
