"""An evening's figures as tables and as JSON, beside what is to be reached."""

import json
import platform
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

from bench.evening.generator import MOST_LATE_US
from bench.evening.measuring import P99_LIMIT_US, Run
from bench.peers import UNBOUND
from bench.tables import markdown, verdict

COMPARED_RATES = (1_000, 2_000, 4_000)
MOST_CPU, MOST_P99, LEAST_RATE = 1.5, 1.5, 0.7
"""Of unbound's: CPU for an answered query, p99, the highest rate with p99 under 10 ms."""
MOST_CPU_COMPILED = 1.0


@dataclass
class Results:
    """Runs by server and rate."""

    seed: int
    ours: list[str]
    """The servers that are builds of ours."""
    runs: dict[str, dict[int, list[Run]]] = field(default_factory=dict)

    def add(self, server: str, rate: int, run: Run) -> None:
        """Take a run in."""
        self.runs.setdefault(server, {}).setdefault(rate, []).append(run)

    def median(self, server: str, rate: int, of: Callable[[Run], float]) -> float | None:
        """Give the median of a server's runs at a rate; None where there are none."""
        runs = self.runs.get(server, {}).get(rate)
        return statistics.median(map(of, runs)) if runs else None

    def highest_rate(self, server: str) -> int | None:
        """Give the highest rate at which a run did not break, if any."""
        held = [
            rate
            for rate, runs in self.runs.get(server, {}).items()
            if any(not run.broke for run in runs)
        ]
        return max(held, default=None)

    def broke(self, server: str) -> bool:
        """Say whether a server was brought to its end; else the load was."""
        rates = self.runs.get(server, {})
        return any(all(run.broke for run in runs) for runs in rates.values())

    @property
    def rates(self) -> list[int]:
        """All that were measured, rising."""
        return sorted({rate for runs in self.runs.values() for rate in runs})


def cpu_us(run: Run) -> float:
    """CPU for an answered query."""
    return run.cpu_us


def p99_us(run: Run) -> float:
    """Latency that one query in a hundred exceeds."""
    return run.replies.p99_us


def unanswered(run: Run) -> float:
    """Share of the queries."""
    return run.replies.unanswered


def share(way: str, run: Run) -> float:
    """Share of the queries that took a way."""
    return run.ways.get(way, 0.0)


def line(name: str, rate: int, run: Run) -> str:
    """Say on one line what a run brought."""
    said = run.replies
    times = " ".join(
        f"{each / 1000:8.2f}" for each in (said.p50_us, said.p90_us, said.p99_us, said.p999_us)
    )
    late = f"  LATE {said.late_p99_us} us" if said.late_p99_us > MOST_LATE_US else ""
    return (
        f"{rate:6} q/s  {name:18} {run.cpu_us:7.1f} us  p50 p90 p99 p99.9 {times} ms"
        f"  unanswered {said.unanswered:7.3%}  upstream {run.upstream:5.1%}{late}"
    )


def save(results: Results, folder: Path) -> None:
    """Store the table, and everything it was made from."""
    folder.mkdir(exist_ok=True)
    (folder / "evening.md").write_text(table(results))
    (folder / "evening.json").write_text(json.dumps(asdict(results), indent=1))


def table(results: Results) -> str:
    """Make a page of Markdown."""
    head = (
        f"# An ordinary evening\n\nCPython {platform.python_version()}, Linux"
        f" {platform.release()}, seed {results.seed}. Open loop, each server on one core; medians"
        " of interleaved runs. CPU: of the whole server, for each answered query.\n"
    )
    parts = [
        head, _figures(results), "## Against the targets\n", _targets(results), "## Ways\n",
        _WAYS, _ways(results),
    ]  # fmt: skip
    return "\n".join(parts)


_WAYS = """\
Queries to the upstream for each answered one; and where the server tells, what became of queries
(`remembered`: answered from the memo).
"""


def _figures(results: Results) -> str:
    rows = [
        ["q/s", "server", "CPU, us", "p50, ms", "p90", "p99", "p99.9", "unanswered", "sent late"]
    ]
    quantiles: tuple[Callable[[Run], float], ...] = (
        lambda run: run.replies.p50_us,
        lambda run: run.replies.p90_us,
        p99_us,
        lambda run: run.replies.p999_us,
    )
    for rate in results.rates:
        for server in results.runs:
            if (cpu := results.median(server, rate, cpu_us)) is None:
                continue
            times = [(results.median(server, rate, of) or 0) / 1000 for of in quantiles]
            lost = results.median(server, rate, unanswered) or 0
            late = (results.median(server, rate, lambda run: run.replies.late_p99_us) or 0) / 1000
            cells = [f"{cpu:.1f}", *(f"{each:.2f}" for each in times), f"{lost:.3%}", f"{late:.2f}"]
            rows.append([f"{rate:,}", server, *cells])
    return markdown(rows) + (
        "\nSent late: by so many ms at p99, which is in the latencies."
        " Where it is much, the machine was busy or the rate more than the load can do.\n"
    )


def _targets(results: Results) -> str:
    rows = [["build", "load", "against", "target", "measured", ""]]
    for build in results.ours:
        for rate in COMPARED_RATES:
            rows += _at_rate(results, build, rate)
        ours, theirs = results.highest_rate(build), results.highest_rate(UNBOUND)
        if ours is not None and theirs and theirs > max(COMPARED_RATES):
            of = f"{'' if results.broke(UNBOUND) else 'at least '}{theirs:,}"
            load = f"highest rate with p99 under {P99_LIMIT_US // 1000} ms ({ours:,} of {of})"
            met = "met" if ours / theirs >= LEAST_RATE else "missed"
            rows.append([build, load, UNBOUND, f">= {LEAST_RATE}", f"{ours / theirs:.2f}", met])
    return markdown(rows)


def _at_rate(results: Results, build: str, rate: int) -> list[list[str]]:
    rows = []
    for what, of, most in (("CPU", cpu_us, MOST_CPU), ("p99", p99_us, MOST_P99)):
        ours, theirs = (results.median(name, rate, of) for name in (build, UNBOUND))
        if ours is not None and theirs:
            rows.append([build, *verdict(f"{rate:,} q/s: {what}", UNBOUND, most, ours / theirs)])
    lost = results.median(build, rate, unanswered)
    if lost is not None:
        met = "missed" if lost else "met"
        rows.append([build, f"{rate:,} q/s: unanswered", "", "none", f"{lost:.3%}", met])
    return rows


def _ways(results: Results) -> str:
    measured = [run for rates in results.runs.values() for runs in rates.values() for run in runs]
    names = sorted({way for run in measured for way in run.ways})
    rows = [["q/s", "server", "upstream", *names]]
    for rate in results.rates:
        for server in results.runs:
            if (upstream := results.median(server, rate, lambda run: run.upstream)) is None:
                continue
            shares = [results.median(server, rate, partial(share, way)) or 0 for way in names]
            cells = [f"{each:.1%}" if each else "" for each in shares]
            rows.append([f"{rate:,}", server, f"{upstream:.1%}", *cells])
    return markdown(rows)
