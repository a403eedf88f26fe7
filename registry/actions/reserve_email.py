from sqlalchemy import delete
from sqlalchemy.orm import Session

from registry.actions.add_account import new_uniquifier
from registry.actions.errors import EmailTaken
from registry.database.engine import insert_unless_present
from registry.models import Account


def reserve_email(session: Session, email: str) -> None:
    """Let nobody else be given `email` until this transaction ends; EmailTaken if somebody was.

    By a row that is there for a moment: without it, who came second would find out by an UPDATE
    that fails, which leaves the e-mail address in PostgreSQL's log.
    """
    values = {"email": email, "fs_uniquifier": new_uniquifier()}
    statement = insert_unless_present(session, Account).values(values).returning(Account.id)
    placeholder = session.scalar(statement)
    if placeholder is None:
        raise EmailTaken
    session.execute(delete(Account).where(Account.id == placeholder))
