"""Mail to account owners: over SMTP with TLS, or into a folder for trials.

A thread of its own sends the mails. So a page takes the same time whether or not there is an
account to write to. A mail that cannot be sent in a few attempts is dropped, and nothing of it is
stored.
"""

import contextlib
import itertools
import logging
import os
import queue
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from registry.thread_service import ThreadService

Deliver = Callable[[EmailMessage], None]

MOST_WAITING = 1000
_RETRY_AFTER_S = (5.0, 60.0)
_TIMEOUT_S = 20.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_log = logging.getLogger(__name__)


def make_delivery(url: str) -> Deliver:
    """Give a function that delivers as `url` says: smtp://, smtps:// or a folder; ValueError."""
    parts = urlsplit(url)
    if parts.scheme in {"smtp", "smtps"}:
        if not parts.hostname:
            raise ValueError("takes smtp://[USER:PASSWORD@]HOST[:PORT] or a folder")
        return lambda message: _send(message, url)
    if parts.scheme not in {"", "file"}:
        raise ValueError("takes smtp://[USER:PASSWORD@]HOST[:PORT] or a folder")
    folder = Path(parts.path)
    return lambda message: _write(message, folder)


class Mailer(ThreadService):
    """Sends mails one after another, in a thread of its own."""

    name = "mailer"
    stopped_within_s = _TIMEOUT_S

    def __init__(self, deliver: Deliver, sender: str) -> None:
        super().__init__()
        self.sender = sender
        self._deliver = deliver
        self._messages: queue.Queue[EmailMessage] = queue.Queue(MOST_WAITING)

    def send(self, recipient: str, subject: str, body: str) -> None:
        """Hand over one mail; returns at once. What does not fit into the queue is dropped."""
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
        self.wake()

    def turn(self) -> None:
        """Send the waiting mails."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._try_to_deliver(self._messages.get_nowait())

    def finish(self) -> None:
        """Send the mails that are still waiting, with one attempt each."""
        self.turn()

    def _try_to_deliver(self, message: EmailMessage) -> None:
        for wait_s in (*_RETRY_AFTER_S, None):
            try:
                self._deliver(message)
            except Exception as error:  # noqa: BLE001  # the next mail must still be sent
                _log.error("a mail could not be sent: %s", type(error).__name__)
            else:
                return
            if wait_s is None or self.stopping.wait(wait_s):
                return


def _send(message: EmailMessage, url: str) -> None:
    """Send over SMTP; to another machine only with TLS (RFC 8314)."""
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
    """Name the file with the next number; a hard link never replaces an existing file."""
    numbers = (int(file.stem) for file in folder.glob("*.eml") if file.stem.isdecimal())
    for number in itertools.count(max(numbers, default=0) + 1):
        with contextlib.suppress(FileExistsError):  # another thread has just taken this number
            (folder / f"{number:04}.eml").hardlink_to(unfinished)
            return
