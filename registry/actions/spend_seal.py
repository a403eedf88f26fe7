"""Single use: a number counts once, whichever registry it comes back to, restarts included."""

import datetime

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from registry.models import SpentSeal


def spend_seal(sessions: sessionmaker[Session], number: str, today: datetime.date) -> bool:
    """Spend a number; False where it was spent before.

    A transaction of its own, for what is done with it may be refused and tried again.
    """
    tomorrow = today + datetime.timedelta(days=1)
    try:
        with sessions.begin() as session:
            session.execute(delete(SpentSeal).where(SpentSeal.last_day < today))
            session.add(SpentSeal(number=number, last_day=tomorrow))
    except IntegrityError:
        return False
    return True
