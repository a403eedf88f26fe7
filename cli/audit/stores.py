"""Search what the installation keeps on purpose: Redis, the database, metrics."""

import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, inspect, text

from cli.audit.canaries import Needles
from cli.audit.report import Report
from registry.publishing.redis_server import RedisUnavailable, connect, redis_faults
from smartdns.contract.redis_layout import GRANTS, GRANTS_BEING_BUILT, HEAD

if TYPE_CHECKING:
    from collections.abc import Callable

_TERSE = {
    "log_statement": {"none"},
    "log_min_error_statement": {"panic"},
    "log_error_verbosity": {"terse"},
    "log_connections": {"off", ""},
    "log_disconnections": {"off"},
    "log_duration": {"off"},
    "log_min_duration_statement": {"-1"},
}
"""Settings of PostgreSQL under which its log holds neither rows nor statements."""


def search_redis(report: Report, needles: Needles, url: str) -> None:
    """Search every key and value, the slow log, the list of clients; check what it is set to."""
    try:
        connection: Any = connect(url)
        faults = [str(fault) for fault in redis_faults(connection)]
        report.add("Redis: keeps nothing on disk and no slow log", faults)
        _keys(report, needles, connection)
        slow = connection.slowlog_get(128)
        report.add("Redis: slow log", [f"{len(slow)} entries"] if slow else [], "SLOWLOG RESET")
        clients = "\n".join(str(each) for each in connection.client_list()).encode()
        report.add("Redis: list of clients", needles.find(clients))
        folder, file = (connection.config_get(name)[name] for name in ("dir", "dbfilename"))
        dump = Path(folder) / file
        report.add("Redis: dump file", [f"there is {dump}"] if dump.exists() else [], "remove it")
    except (RedisUnavailable, OSError):
        report.unseen("Redis", "it cannot be reached")
    except Exception as error:  # noqa: BLE001 - redis-py's own, whose text may hold a command
        report.unseen("Redis, in part", f"it refused ({type(error).__name__})")


def _keys(report: Report, needles: Needles, connection: Any) -> None:  # noqa: ANN401
    count, found, unknown = 0, set[str](), 0
    for key in connection.scan_iter(count=1000):
        count += 1
        found.update(needles.find(key))
        found.update(needles.find(connection.dump(key) or b""))
        found.update(needles.find(_shown(connection, key)))
        name = key.decode(errors="replace")
        ours = name in {GRANTS, HEAD} or name.startswith(GRANTS_BEING_BUILT)
        unknown += name.startswith("mediastreamer") and not ours
    if unknown:
        found.add(f"{unknown} keys that no version of ours writes")
    report.add(f"Redis: {count} keys and their values", sorted(found))


def _shown(connection: Any, key: bytes) -> bytes:  # noqa: ANN401
    """DUMP packs long texts; the plain content finds what it hides."""
    read: Callable[[], Any] | None = {
        b"string": lambda: connection.get(key),
        b"hash": lambda: list(connection.hscan_iter(key, count=1000)),
        b"list": lambda: connection.lrange(key, 0, -1),
        b"set": lambda: list(connection.sscan_iter(key)),
        b"zset": lambda: connection.zrange(key, 0, -1),
        b"stream": lambda: connection.xrange(key),
    }.get(connection.type(key))
    content = read() if read else b""
    return content if isinstance(content, bytes) else repr(content).encode()


def search_database(report: Report, needles: Needles, engine: Engine) -> None:
    """Search every row, or on SQLite every octet of its files; check what PostgreSQL logs."""
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        for path in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
            if path.exists():
                what = f"database: {path.name} with its free pages"
                report.add(what, needles.find(path.read_bytes()))
        return
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            rows = connection.execute(text(f'SELECT * FROM "{table}"'))  # noqa: S608 - its own names
            content = "\n".join(str(tuple(row)) for row in rows).encode()
            report.add(f"database: table {table}", needles.find(content))
        query = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
        found = {row.name: row.setting for row in connection.execute(query, {"names": [*_TERSE]})}
    for name, value in found.items():
        wrong = [] if value in _TERSE[name] else [f"it is {value!r}"]
        remedy = f"ALTER SYSTEM SET {name} = {max(_TERSE[name])!r}; SELECT pg_reload_conf()"
        report.add(f"PostgreSQL: {name} logs nobody's rows", wrong, remedy)
    report.unseen(
        "PostgreSQL: dead rows, write-ahead log, replicas, backups",
        "they outlive a deletion until VACUUM and the log's end; see docs/privacy.md",
    )


def search_metrics(report: Report, needles: Needles, address: str | None) -> None:
    """Search what the metrics endpoint tells, if there is one."""
    if not address:
        report.add("metrics: there is no endpoint", [])
        return
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as reply:
            content = reply.read()
    except (OSError, urllib.error.URLError):
        report.unseen("metrics", "the endpoint does not answer")
        return
    times = [b"a time of first occurrence"] if b"_created" in content else []
    found = [*needles.find(content), *(each.decode() for each in times)]
    report.add("metrics: every series and label", found)
