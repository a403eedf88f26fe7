"""The mailer: one mail that cannot be sent keeps none of the others; a folder keeps them all."""

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

from twisted.internet.threads import deferToThread

from registry.mailer import Mailer, make_delivery


async def test_a_mail_that_cannot_be_written_down_stops_no_other() -> None:
    """Whatever delivering one raises, the next is delivered."""
    delivered: queue.Queue[str] = queue.Queue()

    def deliver(message: EmailMessage) -> None:
        if message["Subject"] == "first":
            raise UnicodeEncodeError("ascii", "ü", 0, 1, "as smtplib says of a password")
        delivered.put(message["Subject"])

    mailer = Mailer(deliver, "no-reply@example.com")
    mailer.startService()
    mailer.send("anna@example.com", "first", "")
    mailer.send("anna@example.com", "second", "")
    await mailer.stopService()
    assert delivered.get_nowait() == "second"


async def test_stopping_delivers_what_is_waiting() -> None:
    """One mail is on its way when the service is told to stop, three more wait behind it."""
    delivered: list[str] = []
    begun, going_on = threading.Event(), threading.Event()

    def deliver(message: EmailMessage) -> None:
        begun.set()
        going_on.wait()
        delivered.append(message["Subject"])

    mailer = Mailer(deliver, "no-reply@example.com")
    mailer.startService()
    for subject in ("first", "second", "third", "fourth"):
        mailer.send("anna@example.com", subject, "")
    await deferToThread(begun.wait)
    stopped = mailer.stopService()
    going_on.set()
    await stopped
    assert delivered == ["first", "second", "third", "fourth"]


def mail(subject: str) -> EmailMessage:
    """Write a mail of one line."""
    message = EmailMessage()
    message["Subject"] = subject
    return message


def test_deleting_a_mail_from_the_folder_loses_no_other(tmp_path: Path) -> None:
    """The next mail takes the number after the last one, whatever is missing before it."""
    deliver = make_delivery(str(tmp_path))
    (tmp_path / "kept.eml").write_text("an operator's own")
    for subject in ("first", "second", "third"):
        deliver(mail(subject))
    (tmp_path / "0001.eml").unlink()
    (tmp_path / "0002.eml").unlink()
    deliver(mail("fourth"))
    deliver(mail("fifth"))
    texts = {file.name: file.read_text().strip() for file in tmp_path.iterdir()}
    assert texts == {
        "kept.eml": "an operator's own",
        "0003.eml": "Subject: third",
        "0004.eml": "Subject: fourth",
        "0005.eml": "Subject: fifth",
    }


def test_mails_written_at_once_share_no_number(tmp_path: Path) -> None:
    """Of 400 written into one folder by eight threads, 400 are there, each whole."""
    deliver = make_delivery(str(tmp_path))
    subjects = [f"number {number:03}" for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(deliver, [mail(subject) for subject in subjects]))
    written = sorted(file.read_text().strip() for file in tmp_path.iterdir())
    assert written == [f"Subject: {subject}" for subject in subjects]
