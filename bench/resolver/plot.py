"""What was measured, drawn; where matplotlib is installed."""

from pathlib import Path
from typing import Any

from bench.resolver.loads import MISSES
from bench.resolver.report import Results


def plot(results: Results, file: Path) -> None:
    """Draw costs side by side, and below them how ours grow."""
    try:
        import matplotlib  # noqa: PLC0415 - of the group "bench" alone
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplot_mosaic(
        [["costs"] * 3, ["start", "memory", "queries"]],
        figsize=(12, 9),
        height_ratios=(3, 2),
        layout="constrained",
    )
    _costs(results, axes["costs"])
    _growth(results, axes)
    figure.savefig(file, dpi=110)


def _costs(results: Results, axes: Any) -> None:  # noqa: ANN401 - matplotlib's has no public type
    kinds = [kind for kind in results.runs if kind != MISSES]
    servers = list(dict.fromkeys(name for kind in kinds for name in results.runs[kind]))
    width = 0.8 / max(len(servers), 1)
    for number, server in enumerate(servers):
        costs = [results.cpu(kind, server) or 0 for kind in kinds]
        axes.bar([i + number * width for i in range(len(kinds))], costs, width, label=server)
    middles = [i + 0.4 - width / 2 for i in range(len(kinds))]
    axes.set_xticks(middles, kinds, rotation=30, horizontalalignment="right")
    axes.set_yscale("log")
    axes.set_ylabel("CPU microseconds for a query")
    axes.legend()


def _growth(results: Results, axes: dict[str, Any]) -> None:
    sizes = list(results.growth)
    panels = {
        "start": ("seconds to the first answer", {"ours": ("start_s", 1.0)}),
        "memory": ("memory, MB", {"ours": ("octets", 1e-6)}),
        "queries": (
            "CPU microseconds for a query",
            {"hits": ("hits_us", 1.0), "refused": ("refused_us", 1.0)},
        ),
    }
    for name, (label, lines) in panels.items():
        for line, (field, scale) in lines.items():
            values = [found[field] * scale for found in results.growth.values()]
            axes[name].plot(sizes, values, marker="o", label=line)
        axes[name].set_xscale("log")
        axes[name].set_ylim(bottom=0)
        axes[name].set_xlabel("networks let in")
        axes[name].set_ylabel(label)
    axes["queries"].legend()
