"""Redis: there, in step with the database, forgetful, and of the same day."""

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
_REGISTRY_MENDS = "A running registry publishes again within seconds: see `mediastreamer status`."


def check(state: State, settings: Settings) -> Iterator[Finding]:
    """Every check of this file; without a database there is nothing to compare with."""
    url = settings.registry.redis_url
    if url.startswith(f"unix://{state.folder}/") and status_of(state) is None:
        yield Finding(
            "nothing-runs",
            f"nothing runs on {state.folder}, and no Redis is configured but the one of `up`",
            "mediastreamer up, or name an installation with --state DIR.",
        )
        return
    try:
        clock = redis_clock(url)
        found = _compared(settings)
    except RedisUnavailable:
        yield Finding(
            "redis-unreachable",
            f"Redis at {without_password(url)} does not answer or lets us not in",
            "Start it, or mend MEDIASTREAMER_REDIS_URL; until then the last known allowlist holds.",
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
        return None  # said by the check of the database
    finally:
        engine.dispose()


def _check_content(found: AllowlistStatus) -> Iterator[Finding]:
    if found.redis is None:
        yield Finding("redis-emptied", "Redis has no allowlist", _REGISTRY_MENDS)
    elif found.redis < found.database:
        yield Finding(
            "redis-behind",
            "Redis has an older allowlist than the database has published",
            _REGISTRY_MENDS,
        )
    for fault in found.faults:
        yield Finding("redis-keeps-data", fault, "Redis must forget: nothing of it may be kept.")


def check_clock(redis_says: float, now: float) -> Iterator[Finding]:
    """Two machines of one installation must agree on the day."""
    if abs(redis_says - now) > _FAR_OFF_S:
        yield Finding(
            "clock-off",
            f"this machine's clock and Redis' differ by {abs(redis_says - now) / 60:.0f} minutes",
            "Set both clocks, and keep them set: apt-get install systemd-timesyncd.",
        )
