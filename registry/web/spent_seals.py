"""Single use of seals: all registry processes share the list, also after a restart."""

import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session, sessionmaker

from registry.database.engine import insert_unless_present
from registry.models import SpentSeal


def spend_seal(sessions: sessionmaker[Session], number: str, today: datetime.date) -> bool:
    """Store that a seal was used, in a transaction of its own; False if it was used before.

    The action that needs the seal has another transaction, which may fail and be rolled back.
    """
    tomorrow = today + datetime.timedelta(days=1)
    with sessions.begin() as session:
        session.execute(delete(SpentSeal).where(SpentSeal.last_day < today))
        spending = insert_unless_present(session, SpentSeal).returning(SpentSeal.number)
        return session.scalar(spending.values(number=number, last_day=tomorrow)) is not None
