"""One role in a process of its own, with sockets as from systemd where a test wants it."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from smartdns.process.sockets import NamedSocket
from tests.peers.installation import clean_environment

_ACTIVATION = """
import fcntl, os, sys
given = list(map(int, os.environ["DESCRIPTORS"].split()))
away = [fcntl.fcntl(each, fcntl.F_DUPFD, 100) for each in given]  # not where one is to go
for number, each in enumerate(away, 3):
    os.dup2(each, number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(given)))
os.execv(sys.argv[1], sys.argv[1:])
"""


class RoleProcess:
    """`mediastreamer ROLE`."""

    def __init__(self, role: str, folder: Path, **settings: str) -> None:
        self.role = role
        self._state = folder / role
        self._environment = clean_environment(**settings)
        self._process: subprocess.Popen[str] | None = None

    def begin(self, sockets: Sequence[NamedSocket] = ()) -> None:
        """Start it, and do not wait."""
        descriptors = [str(each.socket.fileno()) for each in sockets]
        given = {
            "DESCRIPTORS": " ".join(descriptors),
            "LISTEN_FDNAMES": ":".join(each.name for each in sockets),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", _ACTIVATION, *self._command(self.role)],
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment | given,
            pass_fds=[each.socket.fileno() for each in sockets],
        )

    def wait_until_ready(self) -> None:
        """Read the line that says so; it is the first."""
        assert self._process is not None
        assert self._process.stderr is not None
        assert self._process.stderr.readline() == f"Ready: {self.role}\n"

    def status(self) -> str:
        """Give what `status` says."""
        command = self._command("status")
        return subprocess.run(
            command, check=False, capture_output=True, text=True, env=self._environment
        ).stdout

    def _command(self, command: str) -> list[str]:
        return [sys.executable, "-m", "cli.main", command, "--state", str(self._state)]

    def stop(self) -> None:
        """SIGTERM."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=60)
