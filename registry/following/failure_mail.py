"""The mail about an updater that has failed for a day: one mail per failure, unless switched off.

Only the day of the first failure is stored. A router that reports nothing has not failed: most
routers report only when their address changes. An updater fails if its last report was refused,
or if its host name has no address that can be registered.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from registry.languages import translator
from registry.models import Account, Slot, SlotKind

AFTER_DAYS = 1
MAILS_PER_TURN = 100

SUBJECT = "MediaStreamer: an address update has been failing"
BY_HOSTNAME = "The host name %(hostname)s"
BY_LABEL = "The updater “%(label)s”"
BY_NUMBER = "Updater %(number)s"
BODY = """\
Hello,

%(what)s has been failing since %(day)s (UTC).
Your TV may stop working when your address at home changes.

To see what is wrong and to correct it, open DNS Settings from the network of that home:
%(url)s

We send one mail for each failure. You can switch these mails off on the same page.
"""


@dataclass(frozen=True, slots=True)
class FailureMail:
    """How to send a mail, and the address of the page that it names."""

    post: Callable[[str, str, str], object]
    """Called with recipient, subject and text."""
    public_url: str


def mail_failures(sessions: sessionmaker[Session], day: datetime.date, mail: FailureMail) -> int:
    """Send the mails that are due on `day` (UTC); give their number.

    A mail is marked as sent before it is sent. So a crash can lose a mail, but not repeat it.
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
    due = list(
        session.scalars(query.order_by(Slot.id).limit(MAILS_PER_TURN).with_for_update(of=Slot))
    )
    for slot in due:
        slot.failure_mailed = True
    return due


def render(slot: Slot, public_url: str) -> tuple[str, str]:
    """Give subject and text of the mail about one slot, in the language of its account."""
    say = translator(slot.account.language)
    if slot.kind is SlotKind.HOSTNAME:
        what = say(BY_HOSTNAME) % {"hostname": slot.hostname}
    elif slot.label:
        what = say(BY_LABEL) % {"label": slot.label}
    else:
        what = say(BY_NUMBER) % {"number": slot.number}
    parameters = {"what": what, "day": slot.failing_since, "url": public_url}
    return say(SUBJECT), say(BODY) % parameters
