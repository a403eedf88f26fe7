"""Writing the whole allowlist under another key, then replacing the old one in one step."""

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

BATCH_SIZE = 1_000
PAUSE_S = 0.001
"""After each batch, so that the pages in the same process can run."""
UNFINISHED_EXPIRES_S = 3_600


def rebuild(
    engine: Engine,
    connection: redis.Redis,
    today: datetime.date,
    progress: Callable[[int], object] = lambda _: None,
) -> Head | None:
    """Publish every grant under a new epoch. The caller must have the publishing lock.

    `progress` is called with the number of networks written so far. Mirrors keep their present
    content until the head changes; then they read everything. Gives the new head, or None if Redis
    changed during the rebuild: then try again. What changes in the database during the rebuild is
    pending, and the next drain publishes it.
    """
    published = connection.get(HEAD)
    with make_sessions(engine).begin() as session:
        head = begin_epoch(session, readable_head(published))
    temporary_key = f"{GRANTS_BEING_BUILT}{head.epoch}"
    count = _fill(engine, connection, temporary_key, today, progress)
    with connection.pipeline(transaction=True) as pipe:
        pipe.watch(HEAD, temporary_key)  # type: ignore[no-untyped-call]
        # If Redis was restarted in between, it has only the later batches.
        if pipe.get(HEAD) != published or pipe.hlen(temporary_key) != count:
            pipe.unlink(temporary_key)
            return None
        pipe.multi()
        # Renaming over a million grants would free their memory at once, which blocks Redis.
        pipe.unlink(GRANTS)
        if count:
            pipe.persist(temporary_key)
            pipe.rename(temporary_key, GRANTS)
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
    temporary_key: str,
    today: datetime.date,
    progress: Callable[[int], object],
) -> int:
    count = 0
    after: str | None = ""
    while after is not None:
        with make_readers(engine).begin() as session:
            texts, after = grant_texts_after(session, after, BATCH_SIZE, today)
        if texts:
            connection.hset(temporary_key, items=list(itertools.chain.from_iterable(texts.items())))
            if not count:
                connection.expire(temporary_key, UNFINISHED_EXPIRES_S)
        count += len(texts)
        progress(count)
        time.sleep(PAUSE_S)
    return count
