"""What was measured, as a table, as JSON and as a plot."""

import json
import platform
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.load import Run

OURS, DNSDIST, BATCHES, UNBOUND = "ours", "dnsdist", "dnsdist, batches of 64", "unbound"
FLOOR = "C floor"
DIRECT = "the upstream itself"
TARGETS = (
    ("hits", DNSDIST, 0.80), ("hits", BATCHES, 1.00), ("hits", UNBOUND, 0.90),
    ("hits", FLOOR, 1.40), ("steered", DNSDIST, 0.85), ("refused", DNSDIST, 0.95),
    ("EDNS", DNSDIST, 0.85), ("20,000 q/s", DNSDIST, 1.00), ("5,000 q/s", DNSDIST, 1.10),
)  # fmt: skip
"""Load, against whom, and the most that ours may cost as a share of theirs."""


@dataclass
class Results:
    """By kind of load, by server."""

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

    def added(self, server: str, of: Callable[[Run], float]) -> float | None:
        """Give what a server adds to a quantile of the latency that the upstream has by itself."""
        whole = self.median("misses", server, of)
        direct = self.median("misses", DIRECT, of)
        return None if whole is None or direct is None else whole - direct


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
        head, _costs(results), "## Against the targets\n", _ratios(results),
        "## Misses, start, memory\n", _others(results), "## Growth\n", _growth(results),
    ]  # fmt: skip
    return "\n".join(parts)


def _costs(results: Results) -> str:
    kinds = [kind for kind in results.runs if kind != "misses"]
    servers = list(dict.fromkeys(name for runs in results.runs.values() for name in runs))
    rows = [["", *kinds]]
    for server in servers:
        cells = (results.median(kind, server, lambda run: run.cpu_us) for kind in kinds)
        rows.append([server, *("" if cell is None else f"{cell:.2f}" for cell in cells)])
    return markdown(rows)


def _ratios(results: Results) -> str:
    rows = [["load", "against", "at most", "measured", ""]]
    for kind, against, most in TARGETS:
        ours = results.median(kind, OURS, lambda run: run.cpu_us)
        theirs = results.median(kind, against, lambda run: run.cpu_us)
        if ours is not None and theirs is not None:
            rows.append(verdict(kind, against, most, ours / theirs))
    if results.latency:
        ratio = results.latency["busy"] / results.latency["none"]
        rows.append(verdict("mean latency, busy reactor", "idle reactor", 2.0, ratio))
    for what, of in _QUANTILES.items():
        ours, theirs = (results.added(name, of) for name in (OURS, UNBOUND))
        if ours is not None and theirs:
            rows.append(verdict(f"misses, {what} added", UNBOUND, 1.2, ours / theirs))
    return markdown(rows)


def verdict(load: str, against: str, most: float, ratio: float) -> list[str]:
    """Give the cells of a row about a target: a ratio, and the most that it may be."""
    return [load, against, f"{most:.2f}", f"{ratio:.2f}", "met" if ratio <= most else "missed"]


def _others(results: Results) -> str:
    rows = [
        ["", "p50, us", "p99, us", "added p50", "added p99", "CPU us", "start, s", "memory, MB"]
    ]
    for server in (*results.start, DIRECT):
        quantiles = [results.median("misses", server, of) for of in _QUANTILES.values()]
        added = [results.added(server, of) for of in _QUANTILES.values()]
        cpu = results.median("misses", server, lambda run: run.cpu_us)
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


def markdown(rows: list[list[str]]) -> str:
    """Give a table; the first row is its head."""
    head, *body = rows
    rule = ["---"] * len(head)
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *body))
