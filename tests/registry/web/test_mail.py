"""The postman: one mail that cannot be sent keeps none of the others; a folder keeps them all."""

import queue
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

from registry.web.mail import Postman, make_delivery


def test_a_mail_that_cannot_be_written_down_stops_no_other() -> None:
    """Whatever delivering one raises, the next is delivered."""
    delivered: queue.Queue[str] = queue.Queue()

    def deliver(message: EmailMessage) -> None:
        if message["Subject"] == "first":
            raise UnicodeEncodeError("ascii", "ü", 0, 1, "as smtplib says of a password")
        delivered.put(message["Subject"])

    postman = Postman(deliver, "no-reply@example.com")
    postman.start()
    postman.post("anna@example.com", "first", "")
    postman.post("anna@example.com", "second", "")
    postman.stop()
    assert delivered.get(timeout=5) == "second"


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
