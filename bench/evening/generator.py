"""The open loop of `bench/c/open_load.c` run over a part of a trace, and what it says."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.load import FIRST_CLIENT, HOST

MOST_LATE_US = 1_000
"""Where more than a hundredth of the queries left later, nothing was measured but the load."""


@dataclass(frozen=True)
class Replies:
    """What became of a part of a trace; latencies count from when a query was due."""

    sent: int
    answered: int
    """Within two seconds."""
    mean_us: float
    p50_us: int
    p90_us: int
    p99_us: int
    p999_us: int
    max_us: int
    late_p99_us: int
    """How long after its moment a query left."""
    late_max_us: int
    nodata: int
    nxdomain: int
    servfail: int
    refused: int
    truncated: int
    mismatched: int
    """Replies to another question than the one asked."""

    @property
    def unanswered(self) -> float:
        """Share of the queries."""
        return 1 - self.answered / max(self.sent, 1)


@dataclass(frozen=True)
class OpenLoop:
    """The program, the core it has for itself, and from which addresses it asks."""

    program: Path
    core: str
    sources: int
    first_source: str = FIRST_CLIENT

    def start(
        self, port: int, trace: Path, rate: float, count: int, first: int = 0
    ) -> "subprocess.Popen[str]":
        """Begin to ask the entries from `first` on, `rate` of them a second."""
        numbers = (str(first), str(count), str(rate), self.first_source, str(self.sources))
        return subprocess.Popen(
            ["taskset", "-c", self.core, self.program, HOST, str(port), trace, *numbers],
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, port: int, trace: Path, rate: float, count: int, first: int = 0) -> Replies:
        """Ask, and wait for the replies."""
        return ended(self.start(port, trace, rate, count, first))


def ended(asking: "subprocess.Popen[str]") -> Replies:
    """Wait for a loop that was started, and give what it says."""
    said, _ = asking.communicate()
    if asking.returncode:
        raise RuntimeError("the load generator failed")
    return Replies(**json.loads(said))
