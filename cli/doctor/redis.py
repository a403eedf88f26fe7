"""Checks of Redis: whether it answers, its allowlist, its settings, and its clock."""

import time
from collections.abc import Iterator

from cli.doctor.finding import Finding
from cli.doctor.settings import Settings
from cli.state import State, without_password
from cli.status import status_of
from registry.database.engine import DatabaseUnready, make_engine
from registry.database.schema import require_current_schema
from registry.publishing.inspection import AllowlistStatus, inspect_allowlist, redis_clock
from registry.publishing.redis_server import RedisUnavailable

_FAR_OFF_S = 300.0
_REGISTRY_CORRECTS = "A running registry corrects it within seconds; see `mediastreamer status`."


def check(state: State, settings: Settings) -> Iterator[Finding]:
    """Run every check of this file; without a database the allowlist cannot be compared."""
    url = settings.registry.redis_url
    if url.startswith(f"unix://{state.folder}/") and status_of(state) is None:
        yield Finding(
            "nothing-runs",
            f"nothing runs on {state.folder}, and no Redis is configured except that of `up`",
            "Run `mediastreamer up`, or choose an installation with --state DIR.",
        )
        return
    try:
        clock = redis_clock(url)
        found = _compared(settings)
    except RedisUnavailable:
        yield Finding(
            "redis-unreachable",
            f"Redis at {without_password(url)} does not answer, or refused the login",
            "Start it, or correct MEDIASTREAMER_REDIS_URL; workers still use their last allowlist.",
        )
        return
    yield from check_clock(clock, time.time())
    if found is not None:
        yield from _check_content(found)


def _compared(settings: Settings) -> AllowlistStatus | None:
    engine = make_engine(settings.registry.database_url)
    try:
        require_current_schema(engine)
        return inspect_allowlist(engine, settings.registry.redis_url)
    except DatabaseUnready:
        return None  # the check of the database reports it
    finally:
        engine.dispose()


def _check_content(found: AllowlistStatus) -> Iterator[Finding]:
    if found.redis is None:
        yield Finding("redis-emptied", "Redis has no allowlist", _REGISTRY_CORRECTS)
    elif found.redis < found.database:
        yield Finding(
            "redis-behind",
            "Redis has an older allowlist than the database has published",
            _REGISTRY_CORRECTS,
        )
    for fault in found.faults:
        yield Finding(
            "redis-keeps-data",
            fault,
            "Change the setting: Redis must store nothing of the allowlist on disk.",
        )


def check_clock(redis_says: float, now: float) -> Iterator[Finding]:
    """Find clocks that differ: all machines of an installation must have the same day."""
    if abs(redis_says - now) > _FAR_OFF_S:
        yield Finding(
            "clock-off",
            f"the clocks here and at Redis differ by {abs(redis_says - now) / 60:.0f} minutes",
            "Set both clocks and keep them right: apt-get install systemd-timesyncd.",
        )
