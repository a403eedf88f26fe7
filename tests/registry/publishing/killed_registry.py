"""A registry that makes a change, begins to publish it, and is killed at the stage it is told.

Usage: killed_registry.py DATABASE_URL REDIS_URL STAGE ACCOUNT
"""

import os
import signal
import sys
from typing import Any, NoReturn

import redis
from redis.client import Pipeline
from sqlalchemy import Connection, event

from registry.database.engine import make_engine
from registry.publishing import drain as draining
from registry.publishing.lock import publishing_lock
from tests.registry.publishing.households import TODAY, Households


def die(*_: Any, **__: Any) -> NoReturn:
    """As the power does it."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def main(database_url: str, redis_url: str, stage: str, account: str) -> None:
    """Let one account go, let another in, and die."""
    engine = make_engine(database_url)
    households = Households(engine)
    households._added = 1000
    households.delete(int(account))
    households.add("192.0.2.2/32", "2001:db8:0:2::/64", region="gb")
    if stage == "commit":
        die()
    if stage == "multi":
        Pipeline.multi = die  # type: ignore[method-assign]
    if stage == "execute_command":

        def half(pipe: Any, *_: Any) -> None:
            """Send the MULTI without its EXEC."""
            sent = b"".join(
                b"".join(pipe.connection.pack_command(*c[0])) for c in pipe.command_stack
            )
            pipe.connection.send_packed_command([b"*1\r\n$5\r\nMULTI\r\n" + sent])
            pipe.connection.read_response()
            die()

        Pipeline.execute = half  # type: ignore[method-assign,assignment]
    if stage == "delete":

        @event.listens_for(engine, "before_cursor_execute")
        def _(connection: Connection, cursor: Any, statement: str, *_rest: Any) -> None:
            if statement.startswith("DELETE FROM pending_network"):
                die()

    with publishing_lock(engine) as held, redis.Redis.from_url(redis_url) as client:
        assert held
        draining.drain(engine, client, TODAY)


if __name__ == "__main__":
    main(*sys.argv[1:])
