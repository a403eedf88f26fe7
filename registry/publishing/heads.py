"""The two heads that must agree: the database's and the one in Redis."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from registry.models import PublishedHead
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import LayoutError, decode_head

RESTORED = 1_000_000
"""Epochs to skip when a backup comes back: more than were begun since it was made."""


def database_head(session: Session) -> Head:
    """How far publishing has come, as the database knows."""
    row = session.execute(select(PublishedHead.epoch, PublishedHead.position)).one()
    return Head(row.epoch, row.position)


def reserve_positions(session: Session, after: Head, count: int) -> bool:
    """Take the next `count` positions; False if somebody else went on from `after` before.

    To be committed before they are used: a position that Redis may have seen is never used twice.
    """
    query = update(PublishedHead).where(
        PublishedHead.epoch == after.epoch, PublishedHead.position == after.position
    )
    taken = session.execute(
        query.values(position=after.position + count).returning(PublishedHead.id)
    )
    return taken.first() is not None


def begin_epoch(session: Session, published: Head | None) -> Head:
    """Begin an epoch higher than the database's and than the one found in Redis, whosesoever."""
    ours = database_head(session)
    epoch = max(ours.epoch, published.epoch if published else 0) + 1
    session.execute(update(PublishedHead).values(epoch=epoch))
    return Head(epoch, ours.position)


def skip_epochs_after_restore(session: Session) -> None:
    """Have an older database, just restored, outrank what it published before that was lost.

    Mirrors accept only higher epochs, and Redis may have forgotten which one it held.
    """
    session.execute(update(PublishedHead).values(epoch=PublishedHead.epoch + RESTORED))


def readable_head(text: bytes | str | None) -> Head | None:
    """Head in Redis, or None where there is none or none of ours."""
    try:
        return None if text is None else decode_head(text)
    except LayoutError:
        return None
