"""The head in the database and the head in Redis, which must be equal."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.models import PublishedHead
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import LayoutError, decode_head

RESTORED = 1_000_000
"""Epochs to skip after a restore: more than can have begun since the backup was made."""


def database_head(session: Session) -> Head:
    """Give the head of what was published last, as the database has it."""
    row = session.execute(select(PublishedHead.epoch, PublishedHead.position)).one()
    return Head(row.epoch, row.position)


def reserve_positions(session: Session, after: Head, count: int) -> bool:
    """Reserve the next `count` positions; False if another process has already moved past `after`.

    The caller commits before using them, so that a position that Redis may have is not used again.
    """
    query = update(PublishedHead).where(
        PublishedHead.epoch == after.epoch, PublishedHead.position == after.position
    )
    taken = session.execute(
        query.values(position=after.position + count).returning(PublishedHead.id)
    )
    return taken.first() is not None


def begin_epoch(session: Session, published: Head | None) -> Head:
    """Begin an epoch that is higher than those in the database and in Redis (`published`)."""
    ours = database_head(session)
    epoch = max(ours.epoch, published.epoch if published else 0) + 1
    session.execute(update(PublishedHead).values(epoch=epoch))
    return Head(epoch, ours.position)


def skip_epochs_after_restore(session: Session) -> None:
    """Raise the epoch of a restored, older database above every epoch published since.

    Mirrors accept only higher epochs, and Redis may no longer have the last one.
    """
    session.execute(update(PublishedHead).values(epoch=PublishedHead.epoch + RESTORED))


def readable_head(text: bytes | str | None) -> Head | None:
    """Read the head in Redis; None if there is none or it is not one of ours."""
    try:
        return None if text is None else decode_head(text)
    except LayoutError:
        return None
