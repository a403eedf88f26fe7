"""When deleted rows are removed from the files, and when that is tried again."""

import pytest
from sqlalchemy import Engine, insert
from sqlalchemy.exc import OperationalError

from registry.database.sweeping import AGAIN_S, EVERY_S, Sweeper
from registry.models import PendingNetwork


class Sweeps:
    """Counts them; what one gives may be changed."""

    def __init__(self) -> None:
        self.count = 0
        self.clean = True
        self.fault: Exception | None = None

    def __call__(self, _: Engine) -> bool:
        self.count += 1
        if self.fault is not None:
            raise self.fault
        return self.clean


@pytest.fixture
def sweeps() -> Sweeps:
    """Nothing is left by a sweep."""
    return Sweeps()


def test_a_sweep_that_leaves_nothing_is_repeated_after_minutes(
    engine: Engine, sweeps: Sweeps
) -> None:
    """Rows that are deleted meanwhile wait that long, unless it is woken."""
    assert Sweeper(engine, sweeps).turn() == EVERY_S
    assert sweeps.count == 1


def test_what_is_left_is_swept_again_soon(engine: Engine, sweeps: Sweeps) -> None:
    """Somebody was reading."""
    sweeps.clean = False
    assert Sweeper(engine, sweeps).turn() == AGAIN_S


def test_nothing_is_swept_while_networks_are_pending(engine: Engine, sweeps: Sweeps) -> None:
    """They still name what was deleted; once they are published they are swept with it."""
    with engine.begin() as connection:
        connection.execute(insert(PendingNetwork).values(network="203.0.113.7/32"))
    assert Sweeper(engine, sweeps).turn() == AGAIN_S
    assert sweeps.count == 0


def test_a_database_that_is_away_is_asked_again_soon(engine: Engine, sweeps: Sweeps) -> None:
    """The thread lives on."""
    sweeps.fault = OperationalError("", {}, Exception())
    assert Sweeper(engine, sweeps).turn() == AGAIN_S
