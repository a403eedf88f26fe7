"""A mail to whoever's updater has failed for a day: once for each failure, unless opted out.

Only the day of the first failure is stored. A router that reports nothing is no failure: most
report only when their address changes, so a day of silence says nothing. What counts is a report
that was refused, or a host name that leads nowhere, and nothing better since.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from registry.languages import translator
from registry.models import Account, Slot, SlotKind

AFTER_DAYS = 1
AT_ONCE = 100

SUBJECT = "MediaStreamer: an address update has been failing"
BY_HOSTNAME = "The host name %(hostname)s"
BY_LABEL = "The updater “%(label)s”"
BY_NUMBER = "Updater %(number)s"
BODY = """\
Hello,

%(what)s has been failing since %(day)s (UTC).
Your TV may stop working when your address at home changes.

To see what is wrong and to mend it, open DNS Settings from the home's own network:
%(url)s

You get this mail once for each failure. Whether you get it at all is a choice on that page.
"""


@dataclass(frozen=True, slots=True)
class FailureMail:
    """How to write to people."""

    post: Callable[[str, str, str], object]
    """Recipient, subject, text."""
    public_url: str


def mail_failures(sessions: sessionmaker[Session], day: datetime.date, mail: FailureMail) -> int:
    """Write to everybody who is due on `day`; give the number of mails.

    A mail counts as sent before it is handed over, so a crash loses one rather than doubling it.
    """
    with sessions.begin() as session:
        due = _due(session, day)
        mails = [(slot.account.email, *render(slot, mail.public_url)) for slot in due]
    for email, subject, text in mails:
        mail.post(email, subject, text)
    return len(mails)


def _due(session: Session, day: datetime.date) -> list[Slot]:
    query = (
        select(Slot)
        .join(Account)
        .where(
            Slot.failing_since <= day - datetime.timedelta(days=AFTER_DAYS),
            ~Slot.failure_mailed,
            Account.updater_mails,
            Account.active,
            Account.confirmed,
        )
    )
    due = list(session.scalars(query.order_by(Slot.id).limit(AT_ONCE).with_for_update(of=Slot)))
    for slot in due:
        slot.failure_mailed = True
    return due


def render(slot: Slot, public_url: str) -> tuple[str, str]:
    """Subject and text of the mail about one slot, in the language of its account."""
    say = translator(slot.account.language)
    if slot.kind is SlotKind.HOSTNAME:
        what = say(BY_HOSTNAME) % {"hostname": slot.hostname}
    elif slot.label:
        what = say(BY_LABEL) % {"label": slot.label}
    else:
        what = say(BY_NUMBER) % {"number": slot.number}
    parameters = {"what": what, "day": slot.failing_since, "url": public_url}
    return say(SUBJECT), say(BODY) % parameters
