"""The figures of the relay's benchmark as a table and as a plot."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

from bench.relay_peers import HAPROXY_SPLICE, HAPROXY_SPLICE_1M, OURS

mpl.use("svg")
import matplotlib.pyplot as plt

Medians = Mapping[str, Mapping[str, float]]
Samples = Mapping[str, Mapping[str, Sequence[float]]]

COLUMNS = {
    "cpu_ms_per_gb_1": "CPU ms/GB, 1 connection",
    "cpu_ms_per_gb_4": "4",
    "cpu_ms_per_gb_64": "64",
    "connections_per_cpu_s": "connections per CPU second",
    "connections_per_s": "as driven, per second",
    "handshakes_per_cpu_s": "TLS handshakes per CPU second",
    "first_octet_ms": "first octet, ms",
    "idle_octets": "memory of an idle one, kB",
}


def paired(samples: Samples, figure: str, other: str) -> float:
    """Median over the rounds of ours / the other's, measured right after one another."""
    pairs = zip(samples[OURS][figure], samples[other][figure], strict=True)
    return statistics.median(ours / others for ours, others in pairs)


def targets(medians: Medians, samples: Samples) -> list[tuple[str, float, str, bool]]:
    """Compare with what must be reached: what, figure, bound, whether it holds."""
    ours, best = medians[OURS], medians.get(HAPROXY_SPLICE_1M)
    rows: list[tuple[str, float, str, bool]] = []

    def add(what: str, value: float, bound: float, *, least: bool = False) -> None:
        sign = ">=" if least else "<="
        rows.append((what, value, f"{sign} {bound}", value >= bound if least else value <= bound))

    if best is not None:
        ratio = paired(samples, "cpu_ms_per_gb_4", HAPROXY_SPLICE_1M)
        add("CPU per GB at 4 connections / HAProxy, splice, 1 MiB pipes", ratio, 0.90)
        ratio = paired(samples, "cpu_ms_per_gb_4", HAPROXY_SPLICE)
        add("CPU per GB at 4 connections / HAProxy, splice, default pipes", ratio, 0.45)
        ratio = paired(samples, "connections_per_cpu_s", HAPROXY_SPLICE_1M)
        add("new connections / HAProxy's", ratio, 0.35, least=True)
        ratio = paired(samples, "handshakes_per_cpu_s", HAPROXY_SPLICE_1M)
        add("the same with real TLS handshakes", ratio, 0.35, least=True)
        delay = ours["first_octet_ms"] - best["first_octet_ms"]
        add("first octet, ms after HAProxy's", delay, 1.0)
    add("process memory of an idle connection, kB", ours["idle_octets"] / 1000, 12.0)
    return rows


def write_report(
    folder: Path, about: Mapping[str, object], medians: Medians, samples: Samples
) -> str:
    """Write relay.md and relay.svg; give the table."""
    text = _table(about, medians, samples)
    (folder / "relay.md").write_text(text)
    _plot(folder / "relay.svg", medians)
    return text


def _table(about: Mapping[str, object], medians: Medians, samples: Samples) -> str:
    lines = [
        "# Relays compared",
        "",
        "Medians of interleaved rounds; `make bench-relay` makes this anew. "
        + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in about.items())
        + ".",
        "",
        "| relay | " + " | ".join(COLUMNS.values()) + " |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    for name, figures in medians.items():
        cells = [_cell(column, figures[column]) for column in COLUMNS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    lines += ["", "| to be reached | found | bound | |", "|---|---|---|---|"]
    for what, value, bound, holds in targets(medians, samples):
        lines.append(f"| {what} | {value:.2f} | {bound} | {'yes' if holds else 'no'} |")
    return "\n".join(lines) + "\n"


def _cell(column: str, value: float) -> str:
    if column == "idle_octets":
        return f"{value / 1000:.1f}"
    return f"{value:.2f}" if column == "first_octet_ms" else f"{value:,.0f}"


def _plot(file: Path, medians: Medians) -> None:
    names = list(medians)
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for axis, column in zip(
        axes, ("cpu_ms_per_gb_4", "connections_per_cpu_s", "idle_octets"), strict=True
    ):
        colours = ["tab:green" if name == OURS else "tab:gray" for name in names]
        axis.barh(names, [medians[name][column] for name in names], color=colours)
        axis.invert_yaxis()
        axis.set_title(
            {
                "cpu_ms_per_gb_4": "CPU ms per GB, 4 connections",
                "connections_per_cpu_s": "new connections per CPU second",
                "idle_octets": "octets of memory for an idle connection",
            }[column]
        )
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
