"""The service that removes deleted rows from the database's files, soon after a deletion."""

from collections.abc import Callable

from sqlalchemy import Engine, exists, select
from sqlalchemy.exc import SQLAlchemyError

from registry.database.engine import make_readers
from registry.database.erasure import overwrite_deleted
from registry.models import PendingNetwork
from registry.thread_service import ThreadService

EVERY_S = 300.0
AGAIN_S = 0.5


class Sweeper(ThreadService):
    """Erases deleted rows every five minutes, and when it is woken.

    While networks are pending, `PendingNetwork` still names them; then the sweep is repeated soon.
    """

    name = "sweeper"
    first_turn_after_s = EVERY_S

    def __init__(self, engine: Engine, sweep: Callable[[Engine], bool] = overwrite_deleted) -> None:
        super().__init__()
        self._engine = engine
        self._sweep = sweep

    def turn(self) -> float:
        """Sweep; sweep again soon if something was left."""
        return EVERY_S if self._swept() else AGAIN_S

    def _swept(self) -> bool:
        """Sweep, and say whether nothing was left."""
        try:
            with make_readers(self._engine).begin() as reading:
                waiting = reading.scalar(select(exists(select(PendingNetwork.id))))
            return not waiting and self._sweep(self._engine)
        except SQLAlchemyError:
            return False
