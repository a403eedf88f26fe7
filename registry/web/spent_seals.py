"""Single use: a number counts once, whichever registry it comes back to, restarts included."""

import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from registry.database.engine import insert_unless_present
from registry.models import SpentSeal


def spend_seal(sessions: sessionmaker[Session], number: str, today: datetime.date) -> bool:
    """Spend a number; False where it was spent before.

    A transaction of its own, for what is done with it may be refused and tried again.
    """
    tomorrow = today + datetime.timedelta(days=1)
    with sessions.begin() as session:
        session.execute(delete(SpentSeal).where(SpentSeal.last_day < today))
        spending = insert_unless_present(session, SpentSeal).returning(SpentSeal.number)
        return session.scalar(spending.values(number=number, last_day=tomorrow)) is not None
