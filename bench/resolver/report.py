"""What was measured, as a table and as JSON, beside what is to be reached."""

import json
import platform
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.load import Run
from bench.peers import DNSDIST, DNSDIST_BATCHES, UNBOUND
from bench.resolver.loads import FLOOR, FORMS, MANY_ZONES, MISSES, SATURATED, STREAMS
from bench.tables import markdown, verdict

DIRECT = "the upstream itself"
TARGETS = (
    ("hits", DNSDIST, 0.80), ("hits", DNSDIST_BATCHES, 1.00), ("hits", UNBOUND, 0.90),
    ("hits", FLOOR, 1.40), ("steered", DNSDIST, 0.85), ("refused", DNSDIST, 0.95),
    (MANY_ZONES, DNSDIST, 0.95), ("EDNS", DNSDIST, 0.85), (FORMS[0], DNSDIST, 0.95),
    ("20,000 q/s", DNSDIST, 1.00), ("5,000 q/s", DNSDIST, 1.10), (SATURATED, UNBOUND, 1.50),
    *((kind, UNBOUND, 1.00) for kind in STREAMS),
)  # fmt: skip
"""Load, against whom, and the most that ours may cost as a share of theirs."""
MOST_OUTSIDE_THE_MEMO_US = {"plain": 30.0, "compiled": 12.0}
"""For a cached answer that is asked for the first time in a form."""


@dataclass
class Results:
    """By kind of load, by server."""

    ours: list[str]
    """The servers that are builds of ours."""
    runs: dict[str, dict[str, list[Run]]] = field(default_factory=dict)
    start: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    latency: dict[str, float] = field(default_factory=dict)
    growth: dict[int, dict[str, float]] = field(default_factory=dict)
    workers: dict[int, dict[str, float]] = field(default_factory=dict)

    def median(self, kind: str, server: str, of: Callable[[Run], float]) -> float | None:
        """Give the median of a server's rounds; None where it took no part."""
        runs = self.runs.get(kind, {}).get(server)
        return statistics.median(map(of, runs)) if runs else None

    def cpu(self, kind: str, server: str) -> float | None:
        """Give the median of the CPU microseconds for a query."""
        return self.median(kind, server, lambda run: run.cpu_us)

    def added(self, server: str, of: Callable[[Run], float]) -> float | None:
        """Give what a server adds to a quantile of the latency that the upstream has by itself."""
        whole = self.median(MISSES, server, of)
        direct = self.median(MISSES, DIRECT, of)
        return None if whole is None or direct is None else whole - direct

    @property
    def servers(self) -> list[str]:
        """All that were measured with anything."""
        return list(dict.fromkeys(name for runs in self.runs.values() for name in runs))


_QUANTILES: dict[str, Callable[[Run], float]] = {
    "p50": lambda run: run.p50_us,
    "p99": lambda run: run.p99_us,
}


def save(results: Results, folder: Path) -> None:
    """Print the table, and store it with everything it was made from."""
    folder.mkdir(exist_ok=True)
    text = table(results)
    print(text)
    (folder / "resolver.md").write_text(text)
    (folder / "resolver.json").write_text(json.dumps(asdict(results), indent=1))


def table(results: Results) -> str:
    """Make a page of Markdown."""
    head = (
        f"# Resolvers compared\n\nCPython {platform.python_version()}, Linux {platform.release()}."
        " CPU microseconds of the whole process for each answered query, medians of interleaved"
        " rounds.\n"
    )
    parts = [
        head, _costs(results), "## Against the targets\n", _targets(results),
        "## Misses, start, memory\n", _others(results), "## Growth\n", _growth(results),
    ]  # fmt: skip
    return "\n".join(parts)


def _costs(results: Results) -> str:
    servers = [name for name in results.servers if name != DIRECT]
    first, *others = (name for name in results.ours if name in servers)
    rows = [["", *servers, *(f"{first} / {other}" for other in others)]]
    for kind in results.runs:
        if kind == MISSES:
            continue
        costs = [results.cpu(kind, server) for server in servers]
        ours = results.cpu(kind, first)
        ratios = [
            ours / theirs if ours and (theirs := results.cpu(kind, other)) else None
            for other in others
        ]
        rows.append([kind, *("" if cell is None else f"{cell:.2f}" for cell in (*costs, *ratios))])
    return markdown(rows)


def _targets(results: Results) -> str:
    rows = [["build", "load", "against", "at most", "measured", ""]]
    for build in results.ours:
        rows += ([build, *row] for row in _verdicts(results, build))
    if results.latency:
        ratio = results.latency["busy"] / results.latency["none"]
        row = verdict("mean latency, busy reactor", "idle reactor", 2.0, ratio)
        rows.append([results.ours[0], *row])
    return markdown(rows)


def _verdicts(results: Results, build: str) -> list[list[str]]:
    rows = []
    for kind, against, most in TARGETS:
        ours, theirs = (results.cpu(kind, name) for name in (build, against))
        if ours is not None and theirs:
            rows.append(verdict(kind, against, most, ours / theirs))
    if (cost := results.cpu(FORMS[1], build)) is not None:
        for how, most in MOST_OUTSIDE_THE_MEMO_US.items():
            rows.append(verdict(f"{FORMS[1]}, {how}", "microseconds", most, cost))
    for what, of in _QUANTILES.items():
        ours, theirs = (results.added(name, of) for name in (build, UNBOUND))
        if ours is not None and theirs:
            rows.append(verdict(f"{MISSES}, {what} added", UNBOUND, 1.2, ours / theirs))
    return rows


def _others(results: Results) -> str:
    rows = [
        ["", "p50, us", "p99, us", "added p50", "added p99", "CPU us", "start, s", "memory, MB"]
    ]
    for server in (*results.start, DIRECT):
        quantiles = [results.median(MISSES, server, of) for of in _QUANTILES.values()]
        added = [results.added(server, of) for of in _QUANTILES.values()]
        cpu = results.cpu(MISSES, server)
        shown = ["" if each is None else f"{each:.0f}" for each in (*quantiles, *added, cpu)]
        start, memory = results.start.get(server, 0), results.memory.get(server, 0) / 1e6
        rows.append([server, *shown, f"{start:.2f}", f"{memory:.0f}"])
    return markdown(rows)


def _growth(results: Results) -> str:
    rows = [["networks", "start, s", "memory, MB", "hits, us", "refused, us"]]
    for size, found in results.growth.items():
        costs = (f"{found[each]:.2f}" for each in ("hits_us", "refused_us"))
        memory = f"{found['octets'] / 1e6:.0f}"
        rows.append([f"{size:,}", f"{found['start_s']:.2f}", memory, *costs])
    more = [["workers", "hits, us", "queries/s"]]
    for count, found in results.workers.items():
        more.append([str(count), f"{found['cpu_us']:.2f}", f"{found['rate']:,.0f}"])
    return f"{markdown(rows)}\n{_SHARED}\n{markdown(more)}"


_SHARED = """\
Start: from the process's to its first answer, libraries, zones and the whole allowlist included.
Workers share the cores with the generator of the load, so more of them leave less to it: of the
two figures below only the CPU for a query compares.
"""
