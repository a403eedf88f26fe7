"""One server, one rate: started, warmed, measured, stopped.

Each is started for itself, so that it has heard what this trace asked and nothing else, and each
figure stands alone whatever was measured before it.
"""

from collections import Counter
from dataclasses import dataclass

from bench.evening.generator import OpenLoop, Replies
from bench.evening.trace import Trace
from bench.evening.ways import asked_upstream, outcomes
from bench.load import wait_until_it_answers
from bench.servers import Server

P99_LIMIT_US = 10_000
UNANSWERED_LIMIT = 0.01


@dataclass(frozen=True)
class Run:
    """What came of it."""

    cpu_us: float
    """Of all threads and processes of the server, for each answered query."""
    replies: Replies
    upstream: float
    """Queries to the authority for each answered query."""
    ways: dict[str, float]
    """Share of the queries by outcome, where the server tells."""

    @property
    def broke(self) -> bool:
        """Say whether this rate was more than the server can do."""
        slow = self.replies.p99_us >= P99_LIMIT_US
        return slow or self.replies.unanswered > UNANSWERED_LIMIT


@dataclass(frozen=True)
class Place:
    """Where all servers are measured."""

    upstream: int
    """Port."""
    loop: OpenLoop
    ahead: bool
    """The servers run ahead of what else the machine does."""


def measure(server: Server, place: Place, trace: Trace, rate: float) -> Run:
    """Measure a server that was just started; it is stopped afterwards."""
    upstream, loop = place.upstream, place.loop
    try:
        wait_until_it_answers(server.port, server.process, "first.example.net")
        if place.ahead:
            server.process.run_ahead()
        loop.ask(server.port, trace.file, rate, trace.warming)
        asked, told = asked_upstream(upstream), outcomes(server.metrics)
        cpu = server.process.cpu_ns()
        replies = loop.ask(server.port, trace.file, rate, trace.measured, first=trace.warming)
        cpu = server.process.cpu_ns() - cpu
        answered = max(replies.answered, 1)
        tells = outcomes(server.metrics)
        ways = Counter() if told is None or tells is None else tells - told
        return Run(
            cpu / 1000 / answered,
            replies,
            (asked_upstream(upstream) - asked) / answered,
            {way: count / answered for way, count in ways.items()},
        )
    finally:
        server.process.stop()
