"""The postman: one mail that cannot be sent keeps none of the others."""

import queue
from email.message import EmailMessage

from registry.web.mail import Postman


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
