"""Searching what the installation stores on purpose: Redis, the database, metrics."""

import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, inspect, text

from cli.audit.canaries import Needles
from cli.audit.postgresql import search_log
from cli.audit.postgresql_files import search_data_directory
from cli.audit.report import AuditReport
from registry.publishing.redis_server import connect, redis_faults
from smartdns.contract.redis_layout import GRANTS, GRANTS_BEING_BUILT, HEAD

if TYPE_CHECKING:
    from collections.abc import Callable


def search_redis(report: AuditReport, needles: Needles, url: str) -> None:
    """Search Redis' keys and values, logs and list of clients; check its settings."""
    parts = {
        "settings": _settings,
        "keys": _keys,
        "slow log": _slow_log,
        "list of clients": _clients,
        "log of refused commands": _refusals,
        "own log": _own_log,
        "dump file": _dump,
    }
    try:
        connection: Any = connect(url)
        connection.ping()
    except Exception:  # noqa: BLE001 - errors of redis-py; the text may contain a command
        report.unseen("Redis", "it cannot be reached")
        return
    for name, look in parts.items():
        try:
            look(report, needles, connection)
        except Exception as error:  # noqa: BLE001 - as above
            report.unseen(
                f"Redis: {name}",
                f"it refused ({type(error).__name__}); run the audit with a user who may read it",
            )


def _settings(report: AuditReport, _: Needles, connection: Any) -> None:  # noqa: ANN401
    faults = [str(fault) for fault in redis_faults(connection)]
    report.add("Redis: stores nothing on disk and no slow log", faults)


def _slow_log(report: AuditReport, _: Needles, connection: Any) -> None:  # noqa: ANN401
    slow = connection.slowlog_get(128)
    report.add("Redis: slow log", [f"{len(slow)} entries"] if slow else [], "SLOWLOG RESET")


def _clients(report: AuditReport, needles: Needles, connection: Any) -> None:  # noqa: ANN401
    clients = connection.client_list()
    found = needles.find("\n".join(map(str, clients)).encode())
    if any("O" in each.get("flags", "") for each in clients):
        found = [*found, "a client runs MONITOR and sees each command"]
    report.add(f"Redis: list of {len(clients)} clients, none of which runs MONITOR", found)


def _refusals(report: AuditReport, needles: Needles, connection: Any) -> None:  # noqa: ANN401
    """Search the ACL log, whose entries have keys and times."""
    refused = connection.acl_log()
    found = needles.find(repr(refused).encode())
    found += [f"{len(refused)} entries"] if refused else []
    report.add("Redis: log of refused commands", found, "ACL LOG RESET, and acllog-max-len 0")


def _own_log(report: AuditReport, needles: Needles, connection: Any) -> None:  # noqa: ANN401
    name = str(connection.config_get("logfile").get("logfile", ""))
    syslog = connection.config_get("syslog-enabled").get("syslog-enabled") == "yes"
    content = Path(name).read_bytes() if name and Path(name).is_file() else b""
    found = [*needles.find(content), *(["it writes to syslog"] if syslog else [])]
    report.add(f"Redis: its log ({name or 'none'})", found, 'logfile "", syslog-enabled no')


def _dump(report: AuditReport, _: Needles, connection: Any) -> None:  # noqa: ANN401
    folder, file = (connection.config_get(name)[name] for name in ("dir", "dbfilename"))
    dump = Path(folder) / file
    report.add("Redis: dump file", [f"there is {dump}"] if dump.exists() else [], "remove it")


def _keys(report: AuditReport, needles: Needles, connection: Any) -> None:  # noqa: ANN401
    count, found, unknown = 0, set[str](), 0
    for key in connection.scan_iter(count=1000):
        count += 1
        found.update(needles.find(key))
        found.update(needles.find(connection.dump(key) or b""))
        found.update(needles.find(_content_of(connection, key)))
        name = key.decode(errors="replace")
        ours = name in {GRANTS, HEAD} or name.startswith(GRANTS_BEING_BUILT)
        unknown += name.startswith("mediastreamer") and not ours
    if unknown:
        found.add(f"{unknown} keys with our prefix that we do not write")
    report.add(f"Redis: {count} keys and their values", sorted(found))


def _content_of(connection: Any, key: bytes) -> bytes:  # noqa: ANN401
    """Give the plain content of a key, because DUMP compresses long texts."""
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


def search_database(report: AuditReport, needles: Needles, engine: Engine, since: float) -> None:
    """Search every row, and the files: all of SQLite's, and PostgreSQL's changed since `since`.

    This also searches PostgreSQL's log, and checks what it logs.
    """
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        for path in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
            if path.exists():
                what = f"database: {path.name} with its free pages"
                report.add(what, needles.find(path.read_bytes()))
        return
    with engine.connect() as connection:
        for table in inspect(engine).get_table_names():
            rows = connection.execute(text(f'SELECT * FROM "{table}"'))  # noqa: S608 - the database's own names
            content = "\n".join(str(tuple(row)) for row in rows).encode()
            report.add(f"database: table {table}", needles.find(content))
    search_log(report, needles, engine)
    search_data_directory(report, needles, engine, since)
    report.unseen(
        "PostgreSQL: replicas, backups, archives of its write-ahead log",
        "deleted data stays in them as long as they exist; see docs/privacy.md",
    )


def read_metrics(address: str | None) -> bytes:
    """Give the content of the metrics endpoint; nothing if there is none or no answer."""
    if not address:
        return b""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as reply:
            content: bytes = reply.read()
            return content
    except (OSError, urllib.error.URLError):
        return b""


def search_metrics(
    report: AuditReport, needles: Needles, address: str | None, before: bytes
) -> None:
    """Search the metrics, and check that the canaries have added no series."""
    if not address:
        report.add("metrics: there is no endpoint", [])
        return
    content = read_metrics(address)
    if not content or not before:
        report.unseen("metrics", "the endpoint does not answer")
        return
    new = len(_series(content) - _series(before))
    found = needles.find(content)
    found += [f"{new} series that were not there before"] if new else []
    found += ["a time of first occurrence"] if b"_created" in content else []
    report.add(f"metrics: all {len(_series(content))} series, before and after", found)


def _series(content: bytes) -> set[bytes]:
    lines = (line for line in content.splitlines() if line and not line.startswith(b"#"))
    return {line.rpartition(b" ")[0] for line in lines}
