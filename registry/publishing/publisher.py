"""The service that keeps Redis in step with the database."""

import datetime
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import redis
from sqlalchemy import Engine, exists, select
from sqlalchemy.exc import SQLAlchemyError
from twisted.logger import Logger

from registry.database.engine import make_readers, make_sessions
from registry.database.erasure import empty_log
from registry.day import utc_today
from registry.models import PendingNetwork
from registry.pending import mark_pending
from registry.publishing.drain import DrainOutcome, drain
from registry.publishing.heads import database_head
from registry.publishing.lock import publishing_lock
from registry.publishing.rebuild import rebuild
from registry.publishing.reconcile import ComparisonStep, compare
from registry.publishing.redis_server import RedisConnection, RedisUnavailable
from registry.thread_service import ThreadService

if TYPE_CHECKING:
    from smartdns.contract.grants import Head

POLL_S = 0.2
COMPARE_HEADS_EVERY_S = 1.0
RECONCILE_EVERY_S = 600.0
RECONCILE_PAUSE_S = 0.01
"""Between two steps, so that reconciling slows down neither Redis nor the pages."""
AFTER_TROUBLE_S = 1.0
STOPPED_WITHIN_S = 1.0
"""Then we do not wait for the thread any longer; it ends with the process and loses nothing."""


class Publisher(ThreadService):
    """Publishes pending networks every 200 ms, rebuilds if necessary, reconciles from time to time.

    Any number of processes may run one: a database lock lets one of them work at a time. The
    thread has no open transaction while it waits for Redis, so pages never wait for Redis.
    """

    name = "publisher"
    stopped_within_s = STOPPED_WITHIN_S

    def __init__(
        self, engine: Engine, redis_url: str, today: Callable[[], datetime.date] = utc_today
    ) -> None:
        """Raise ValueError if `redis_url` is not a URL of Redis."""
        super().__init__()
        self.trouble: str | None = None
        """Why nothing is published at present, for `status`; None: nothing is wrong."""
        self.head: Head | None = None
        """What was published last, for `status`; None: not known yet."""
        self._engine = engine
        self._redis = RedisConnection(redis_url)
        self._today = today
        self._heads_compared_at = -COMPARE_HEADS_EVERY_S
        self._reconciled_at = 0.0
        self._reconciled_on: datetime.date | None = None
        self._reconciling: Iterator[ComparisonStep] | None = None

    def turn(self) -> float:
        """Do the work that is due; give the seconds until the next turn.

        An error is described in `trouble`, and the work is tried again; nothing is lost.
        """
        try:
            wait_s, self.trouble = self._do_what_is_due(), None
        except Exception as error:  # noqa: BLE001 - an error must not end the thread
            wait_s, self.trouble = AFTER_TROUBLE_S, _describe(error)
            self._redis.close()
            self._reconciling = self._reconciled_on = None
        return wait_s

    def finish(self) -> None:
        """Disconnect."""
        self._redis.close()

    def _do_what_is_due(self) -> float:
        if self._is_pending() or self._heads_are_due():
            with publishing_lock(self._engine) as locked:
                if locked:
                    self._drain_all()
                    empty_log(self._engine)  # it contains the addresses that were replaced
        return self._reconcile_a_little()

    def _is_pending(self) -> bool:
        with make_readers(self._engine).begin() as session:
            return bool(session.scalar(select(exists(select(PendingNetwork.id)))))

    def _heads_are_due(self) -> bool:
        return time.monotonic() - self._heads_compared_at >= COMPARE_HEADS_EVERY_S

    def _drain_all(self) -> None:
        connection = self._redis.client()
        self._heads_compared_at = time.monotonic()
        outcome = DrainOutcome.MORE_PENDING
        while outcome is not DrainOutcome.NOTHING_LEFT and not self.stopping.is_set():
            outcome = drain(self._engine, connection, self._today())
            if outcome is DrainOutcome.DISAGREEING:
                self._rebuild(connection)
        with make_readers(self._engine).begin() as session:
            self.head = database_head(session)

    def _reconcile_a_little(self) -> float:
        """Do one step, if reconciling is due: at the start, on a new day, and every ten minutes."""
        now, today = time.monotonic(), self._today()
        if self._reconciled_on != today or now - self._reconciled_at >= RECONCILE_EVERY_S:
            self._reconciling = compare(self._engine, self._redis.client(), today)
            self._reconciled_on, self._reconciled_at = today, now
        if self._reconciling is None:
            return POLL_S
        step = next(self._reconciling, None)
        if step is None:
            self._reconciling = None
            return POLL_S
        if step.differing:
            with make_sessions(self._engine).begin() as session:
                mark_pending(session, step.differing)
        if step.unreadable:
            with publishing_lock(self._engine) as locked:
                if locked:
                    self._rebuild(self._redis.client())
        return RECONCILE_PAUSE_S

    def _rebuild(self, connection: redis.Redis) -> None:
        self.trouble = "publishing the whole allowlist again"
        rebuild(self._engine, connection, self._today(), self._stop_if_asked)

    def _stop_if_asked(self, _count: int) -> None:
        if self.stopping.is_set():
            raise _Stopping


class _Stopping(Exception):  # noqa: N818 - it ends a rebuild, nothing is wrong
    pass


def _describe(error: Exception) -> str | None:
    match error:
        case redis.RedisError() | RedisUnavailable():
            return "Redis cannot be reached or does not accept writes"
        case SQLAlchemyError():
            return "the database cannot be reached"
        case _Stopping():
            return None
    Logger().failure("publishing failed and is tried again")
    return "an internal error in publishing"
