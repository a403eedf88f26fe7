"""What was deleted leaves the database's files as well, soon after it was published."""

import threading
from collections.abc import Callable

from sqlalchemy import Engine, exists, select
from sqlalchemy.exc import SQLAlchemyError
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread

from registry.database import make_readers, overwrite_deleted
from registry.models import PendingNetwork

EVERY_S = 300.0
AGAIN_S = 0.5


class Sweeper(Service):
    """Overwrites deleted rows in a thread of its own: every five minutes, and when asked to.

    A row waits for its grant to be published (`PendingNetwork` still names the network), so a
    sweep that is asked for comes back until that is done.
    """

    def __init__(self, engine: Engine, sweep: Callable[[Engine], bool] = overwrite_deleted) -> None:
        self._engine = engine
        self._sweep = sweep
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def sweep_soon(self) -> None:
        """Ask for a sweep; returns at once."""
        self._wake.set()

    def startService(self) -> None:
        """Begin."""
        super().startService()  # type: ignore[no-untyped-call]
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="sweeper", daemon=True)
        self._thread.start()

    def stopService(self) -> Deferred[None]:
        """Finish the sweep that runs."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._stopping = True
        self._wake.set()
        thread, self._thread = self._thread, None
        return succeed(None) if thread is None else deferToThread(thread.join)

    def _work(self) -> None:
        wait_s = EVERY_S
        while not self._stopping:
            self._wake.wait(wait_s)
            self._wake.clear()
            wait_s = EVERY_S if self._stopping or self._swept() else AGAIN_S

    def _swept(self) -> bool:
        """Sweep, and say whether nothing was left for another time."""
        try:
            with make_readers(self._engine).begin() as reading:
                waiting = reading.scalar(select(exists(select(PendingNetwork.id))))
            return not waiting and self._sweep(self._engine)
        except SQLAlchemyError:
            return False
