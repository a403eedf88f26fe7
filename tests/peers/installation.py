"""A whole installation as an operator starts it: `mediastreamer up` on a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cli import control_client
from tests.peers.form_client import FormClient
from tests.peers.ports import free_port
from tests.peers.waiting import HANG_S

RELAY = "127.80.0.1"
"""What steered names resolve to; nothing listens there."""


def clean_environment(**settings: str) -> dict[str, str]:
    """Give this process's variables without any setting of ours but those named."""
    ours = {f"MEDIASTREAMER_{name.upper()}": value for name, value in settings.items()}
    return {k: v for k, v in os.environ.items() if "MEDIASTREAMER" not in k} | ours


class Installation:
    """Ports are chosen once, so it may be stopped and started again."""

    def __init__(self, folder: Path, upstream: str, *options: str, relay: str = RELAY) -> None:
        self.state = folder / "state"
        self.dns, self.web, self.tls, self.http = (free_port() for _ in range(4))
        self.output = folder / "output"
        self.printed = folder / "printed"
        self._upstream = upstream
        self._options = ("--relay-address", f"us={relay}", *options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def arguments(self) -> list[str]:
        """Command line."""
        return [
            *(sys.executable, "-m", "cli.main", "up", "--state", str(self.state)),
            *("--dns", f"127.0.0.1:{self.dns}", "--web", f"127.0.0.1:{self.web}"),
            *("--relay-tls", f"127.0.0.1:{self.tls}", "--relay-http", f"127.0.0.1:{self.http}"),
            *("--upstream", self._upstream, "--workers", "1", *self._options),
        ]

    def start(self, **settings: str) -> str:
        """Start it, wait for the line that starts with Ready, and give what it printed."""
        with self.output.open("ab") as errors, self.printed.open("wb") as printed:
            self._process = subprocess.Popen(
                self.arguments(),
                stdout=printed,
                stderr=errors,
                env=clean_environment(**settings),
            )
        while not re.search(r"^Ready.*\n", said := self.printed.read_text(), re.MULTILINE):
            ended = self._process.poll()
            assert ended is None, f"up ended ({ended}): {self.output.read_text()}"
            time.sleep(0.02)
        return said

    def signal(self, number: int) -> None:
        """Send `up` a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; give the exit status."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(HANG_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()

    def command(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run another command on the same state folder."""
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments, "--state", str(self.state)],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=clean_environment(),
        )

    def status(self) -> dict[str, Any]:
        """Give what `status --json` says."""
        (said,) = control_client.ask(self.state, {"what": "status"})
        return dict(said)

    def pids(self, role: str) -> list[int]:
        """Give the processes of a role."""
        found: list[int] = self.status()["roles"][role]["pids"]
        return found

    def browser(self, source: str = "127.0.0.1") -> FormClient:
        """Visit the page from an address of loopback, signed in as the owner."""
        client = FormClient(f"http://127.0.0.1:{self.web}", source)
        email, password = (self.state / "sign-in").read_text().split()
        client.sign_in(email, password)
        return client

    def dig(self, name: str, *arguments: str, source: str = "127.0.0.1") -> str:
        """Ask with a real dig; give what it prints."""
        finished = subprocess.run(
            ["dig", "@127.0.0.1", "-p", str(self.dns), "-b", source, "+tries=1", "+time=30",
             name, *arguments],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return finished.stdout

    def dig_until(
        self,
        wanted: str,
        name: str,
        *arguments: str,
        source: str = "127.0.0.1",
    ) -> str:
        """Ask until the reply has `wanted`; fails with the last reply."""
        end = time.monotonic() + HANG_S
        while wanted not in (said := self.dig(name, *arguments, source=source)):
            assert time.monotonic() < end, f"{wanted!r} not in: {said}"
        return said


def alive(pid: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
