"""Write the whole allowlist anew, aside, and put it in place at once."""

import datetime
import itertools
import time
from collections.abc import Callable

import redis
from sqlalchemy import Engine

from registry.database.engine import make_readers, make_sessions
from registry.publishing.grants import grant_texts_after
from registry.publishing.heads import begin_epoch, readable_head
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import (
    CHANGES,
    GRANTS,
    GRANTS_BEING_BUILT,
    HEAD,
    encode_head,
)

AT_ONCE = 1_000
PAUSE_S = 0.001
"""After each part, so that the pages of the same process get their turn."""
ABANDONED_AFTER_S = 3_600


def rebuild(
    engine: Engine,
    connection: redis.Redis,
    today: datetime.date,
    progress: Callable[[int], object] = lambda _: None,
) -> Head | None:
    """Publish every grant under a new epoch. Only for the holder of the publishing lock.

    `progress` is told how many networks are written so far. Mirrors keep what they have until the
    head changes, and then read everything. None: Redis changed under us, so look again. What
    changes in the database meanwhile is pending, and the next drain publishes it.
    """
    published = connection.get(HEAD)
    with make_sessions(engine).begin() as session:
        head = begin_epoch(session, readable_head(published))
    aside = f"{GRANTS_BEING_BUILT}{head.epoch}"
    count = _fill(engine, connection, aside, today, progress)
    with connection.pipeline(transaction=True) as pipe:
        pipe.watch(HEAD, aside)  # type: ignore[no-untyped-call]
        # A Redis that restarted in between holds the later parts only.
        if pipe.get(HEAD) != published or pipe.hlen(aside) != count:
            pipe.unlink(aside)
            return None
        pipe.multi()
        # Renaming over a million grants would free them there and then, and block Redis.
        pipe.unlink(GRANTS)
        if count:
            pipe.persist(aside)
            pipe.rename(aside, GRANTS)
        pipe.set(HEAD, encode_head(head))
        pipe.publish(CHANGES, encode_head(head))
        try:
            pipe.execute()
        except redis.WatchError:
            return None
    return head


def _fill(
    engine: Engine,
    connection: redis.Redis,
    aside: str,
    today: datetime.date,
    progress: Callable[[int], object],
) -> int:
    count = 0
    place: str | None = ""
    while place is not None:
        with make_readers(engine).begin() as session:
            texts, place = grant_texts_after(session, place, AT_ONCE, today)
        if texts:
            connection.hset(aside, items=list(itertools.chain.from_iterable(texts.items())))
            if not count:
                connection.expire(aside, ABANDONED_AFTER_S)
        count += len(texts)
        progress(count)
        time.sleep(PAUSE_S)
    return count
