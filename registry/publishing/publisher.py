"""The service that keeps Redis in step with the database, in a thread of its own."""

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
"""Between two steps, so that neither Redis nor the pages notice."""
AFTER_TROUBLE_S = 1.0
STOPPED_WITHIN_S = 1.0
"""Then the thread is left behind: it dies with the process, and dying anywhere loses nothing."""


class Publisher(ThreadService):
    """Publishes what is pending every 200 ms, rebuilds when it must, reconciles now and then.

    Any number of processes may run one: a database lock lets one work at a time. Its thread never
    holds a transaction open while it waits for Redis, so the pages never wait for either.
    """

    name = "publisher"
    stopped_within_s = STOPPED_WITHIN_S

    def __init__(
        self, engine: Engine, redis_url: str, today: Callable[[], datetime.date] = utc_today
    ) -> None:
        """Raise ValueError where `redis_url` is none."""
        super().__init__()
        self.trouble: str | None = None
        """Why nothing is being published at the moment, for `status`; None: all is well."""
        self.head: Head | None = None
        """How far publishing has come, for `status`; None: not looked yet."""
        self._engine = engine
        self._redis = RedisConnection(redis_url)
        self._today = today
        self._heads_compared_at = -COMPARE_HEADS_EVERY_S
        self._reconciled_at = 0.0
        self._reconciled_on: datetime.date | None = None
        self._reconciling: Iterator[ComparisonStep] | None = None

    def turn(self) -> float:
        """Do what there is to do now; gives how long to wait before the next turn, in seconds.

        Whatever goes wrong is said in `trouble` and tried again; nothing is lost by it.
        """
        try:
            wait_s, self.trouble = self._do_what_is_due(), None
        except Exception as error:  # noqa: BLE001 - a mistake must not end the publishing
            wait_s, self.trouble = AFTER_TROUBLE_S, _said_of(error)
            self._redis.close()
            self._reconciling = self._reconciled_on = None
        return wait_s

    def finish(self) -> None:
        """Disconnect."""
        self._redis.close()

    def _do_what_is_due(self) -> float:
        if self._is_pending() or self._heads_are_due():
            with publishing_lock(self._engine) as held:
                if held:
                    self._drain_all()
                    empty_log(self._engine)  # it has the addresses that were replaced
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
        """One step, if it is time: at start, on a new day, and every ten minutes."""
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
            with publishing_lock(self._engine) as held:
                if held:
                    self._rebuild(self._redis.client())
        return RECONCILE_PAUSE_S

    def _rebuild(self, connection: redis.Redis) -> None:
        self.trouble = "publishing the whole allowlist anew"
        rebuild(self._engine, connection, self._today(), self._go_on)

    def _go_on(self, _count: int) -> None:
        if self.stopping.is_set():
            raise _Stopping


class _Stopping(Exception):  # noqa: N818 - it ends the thread's turn, nothing is wrong
    pass


def _said_of(error: Exception) -> str | None:
    match error:
        case redis.RedisError() | RedisUnavailable():
            return "Redis cannot be reached or refuses to be written"
        case SQLAlchemyError():
            return "the database cannot be reached"
        case _Stopping():
            return None
    Logger().failure("publishing failed and is tried again")
    return "a fault in publishing"
