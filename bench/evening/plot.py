"""An evening's figures, drawn over the rate; where matplotlib is installed."""

from pathlib import Path

from bench.evening.measuring import P99_LIMIT_US
from bench.evening.report import Results, cpu_us, p99_us


def plot(results: Results, file: Path) -> None:
    """Draw p99 and CPU of each server over the rate, up to where it breaks."""
    try:
        import matplotlib  # noqa: PLC0415 - of the group "bench" alone
    except ImportError:
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, (latency, cost) = pyplot.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for axes, of, scale in ((latency, p99_us, 1000), (cost, cpu_us, 1)):
        for server, runs in results.runs.items():
            rates = sorted(runs)
            values = [(results.median(server, rate, of) or 0) / scale for rate in rates]
            axes.plot(rates, values, marker="o", label=server)
        axes.set_xscale("log", base=2)
        axes.set_xticks(results.rates, [f"{rate:,}" for rate in results.rates], rotation=60)
        axes.minorticks_off()
        axes.set_xlabel("queries a second")
    latency.axhline(P99_LIMIT_US / 1000, color="gray", linestyle=":")
    latency.set_yscale("log")
    latency.yaxis.set_major_formatter("{x:g}")
    latency.yaxis.set_minor_formatter("")
    latency.set_ylabel("p99, ms")
    cost.set_ylabel("CPU microseconds for an answered query")
    cost.set_ylim(bottom=0)
    cost.legend()
    figure.savefig(file, dpi=110)
