"""strace(1) around an installation, or around any program."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.peers.installation import Installation
from tests.peers.missing import missing, require_program
from tests.peers.waiting import wait_until
from tests.privacy.system_calls import TRACED


def strace(output: Path) -> list[str]:
    """Command line in front of a program's.

    What is asked for on a ring of io_uring no tracer sees, so none can be had: the kernel is made
    to say that it knows no such thing.
    """
    program = require_program("strace", "strace")
    if subprocess.run([program, "-o", os.devnull, "true"], check=False).returncode:
        missing("strace may trace nothing here: the container needs CAP_SYS_PTRACE")
    return [
        *(program, "-D", "-f", "--seccomp-bpf", "-yy", "-s", "16384"),
        *("-e", f"trace={','.join(sorted(TRACED))}", "-e", "inject=io_uring_setup:error=ENOSYS"),
        *("-e", "signal=none", "-o", str(output)),
    ]


def trace_of(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Run a program to its end and give the lines about it."""
    output = folder / "trace"
    # Without -D strace ends after the program, so that the lines are complete.
    command = [each for each in strace(output) if each != "-D"] + arguments
    subprocess.run(
        command, check=True, timeout=60, env=environment, pass_fds=[int(environment["PIPE"])],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return output.read_text(errors="replace").splitlines()


class TracedInstallation(Installation):
    """An installation whose every process is under strace from its start on."""

    def __init__(self, folder: Path, upstream: str, *options: str) -> None:
        super().__init__(folder, upstream, *options)
        self.trace = folder / "trace"

    def arguments(self) -> list[str]:
        """Strace becomes a grandchild (-D): signals and the exit status are `up`'s own."""
        return [*strace(self.trace), *super().arguments()]

    def lines_after(self, pid: int) -> list[str]:
        """Give all lines, once `up` with that process id has ended and strace said so."""
        wait_until(
            lambda: any(
                line.startswith(f"{pid} ") and "+++ exited" in line for line in self.lines()
            )
        )
        return self.lines()

    def lines(self) -> list[str]:
        """Give what there is so far."""
        return self.trace.read_text(errors="replace").splitlines()
