"""Processes that are measured: started on given cores, CPU time and memory read from /proc."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


class Measured:
    """A program and all its children, on one core or several."""

    def __init__(
        self, command: Sequence[str], cores: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.began = time.monotonic()
        self._process = subprocess.Popen(
            ["taskset", "-c", cores, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )

    @property
    def ended(self) -> bool:
        """It is no more."""
        return self._process.poll() is not None

    def cpu_ns(self) -> int:
        """Nanoseconds that all threads of all its processes have run."""
        total = 0
        for pid in self._pids():
            for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError):  # a thread may end meanwhile
                    total += int(file.read_text().split()[0])
        return total

    def run_ahead(self) -> None:
        """Let all its threads run before whatever else the machine does; needs root."""
        for pid in self._pids():
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(1))

    def memory(self) -> int:
        """Octets of memory, what is shared with others in parts (PSS)."""
        return sum(
            int(line.split()[1]) * 1024
            for pid in self._pids()
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            if line.startswith("Pss:")
        )

    def stop(self) -> None:
        """End it and its children, and wait."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _pids(self) -> list[int]:
        found = [self._process.pid]
        for pid in found:
            for file in Path(f"/proc/{pid}/task").glob("*/children"):
                with contextlib.suppress(FileNotFoundError):
                    found += map(int, file.read_text().split())
        return found
