"""Ours beside unbound and dnsdist on an ordinary evening, open loop: `make bench-evening`.

    python -m bench.evening [--quick] [--rates R ..] [--rounds N] [--warm S] [--seconds S]
                            [--seed N] [--even] [--against SERVER ..] [--workers N]
                            [--label LABEL] [--also LABEL=MEDIASTREAMER ..] [--ahead]
                            [--output FOLDER]

Each server has one worker, on the first core; load and authority share the last. At each rate all
are measured in turn, several times over, each started for itself; medians count. `--quick` compares
ours with unbound at the three rates of the targets, in two minutes. Otherwise the rate then rises
until each server breaks: 10 ms at p99, or one query in a hundred without its answer. A rate that
breaks a server is tried twice, and the last step is halved twice.

`--also` measures another build of ours in the same run; ratios compare within one run alone.
Where the machine is busy with something else, no p99 means anything unless `--ahead` lets the
servers run first. The CPU for a query is less sensitive to that.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.builds import add_builds, builds
from bench.evening.generator import OpenLoop
from bench.evening.measuring import Place, Run, measure
from bench.evening.names import evening_names
from bench.evening.plot import plot
from bench.evening.report import COMPARED_RATES, Results, line, save, table
from bench.evening.trace import HOUSEHOLDS, Trace, write_trace
from bench.laboratory import SUFFIXES, laboratory
from bench.peers import PEERS
from bench.servers import Server, Setting, start_ours

NETWORKS = 10_000
LADDER = (8_000, 12_000, 16_000, 24_000, 32_000, 48_000, 64_000, 96_000, 128_000)
"""Rates by which the highest is found; the load and the authority can do little more."""
_HALVINGS = 2
_MOST_QUERIES = 2_000_000
"""Of one measurement: from 50,000 q/s on both parts become shorter, to save the disk."""
_ROUND = 500

Begin = Callable[[], Server]


class Evening:
    """What all measurements of a run share."""

    def __init__(self, options: argparse.Namespace, setting: Setting) -> None:
        cores = sorted(map(str, os.sched_getaffinity(0)))
        self._options = options
        self._setting = setting
        self._names = evening_names(options.seed, SUFFIXES)
        loop = OpenLoop(setting.binaries["open_load"], cores[-1], HOUSEHOLDS)
        self._place = Place(setting.upstream, loop, options.ahead)
        self.servers = _servers(options, setting, ",".join(cores[:-1] or cores))
        self.results = Results(
            options.seed, ours=[name for name in self.servers if name not in PEERS]
        )

    def compare(self, rate: int, number: int) -> None:
        """Measure every server at a rate, the first first in even rounds and last in odd ones."""
        trace = self._trace(rate, number)
        names = list(self.servers)
        for name in names if number % 2 == 0 else reversed(names):
            self._measure(name, rate, trace)

    def find_highest_rates(self) -> None:
        """Raise the rate until each server breaks."""
        standing = dict.fromkeys(self.servers, (0, 0))
        for rate in LADDER:
            trace = self._trace(rate, 0)
            for name, (held, broke) in standing.items():
                if not broke:
                    broken = self._breaks(name, rate, trace)
                    standing[name] = (held, rate) if broken else (rate, 0)
        for name, (held, broke) in standing.items():
            self._halve(name, held or self.results.highest_rate(name) or 0, broke)

    def _halve(self, name: str, held: int, broke: int) -> None:
        for _ in range(_HALVINGS if broke else 0):
            rate = (held + broke) // 2 // _ROUND * _ROUND
            if rate <= held:
                break
            if self._breaks(name, rate, self._trace(rate, 0)):
                broke = rate
            else:
                held = rate

    def _breaks(self, name: str, rate: int, trace: Trace) -> bool:
        """Say whether a server breaks twice: once may be what else the machine does."""
        return all(self._measure(name, rate, trace).broke for _ in range(2))

    def _measure(self, name: str, rate: int, trace: Trace) -> Run:
        server = self.servers[name]()
        run = measure(server, self._place, trace, rate)
        self.results.add(name, rate, run)
        print(line(name, rate, run), flush=True)
        return run

    def _trace(self, rate: int, number: int) -> Trace:
        options = self._options
        share = min(1.0, _MOST_QUERIES / (rate * (options.warm + options.seconds)))
        warming, measured = (round(share * s * rate) for s in (options.warm, options.seconds))
        file = self._setting.folder / "trace"
        seed = options.seed * 1_000 + number
        write_trace(file, self._names, seed, warming + measured, even=options.even)
        return Trace(file, warming, measured)


def main() -> None:
    """Measure, print, store."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as text:
        folder = Path(text)
        with laboratory(folder, NETWORKS, str(max(os.sched_getaffinity(0)))) as setting:
            evening = Evening(options, setting)
            for number in range(options.rounds):
                for rate in options.rates:
                    evening.compare(rate, number)
            if options.search:
                evening.find_highest_rates()
    print(table(evening.results))
    if options.output:
        save(evening.results, options.output)
        plot(evening.results, options.output / "evening.png")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare resolvers on an ordinary evening.")
    parser.add_argument("--quick", action="store_true", help="ours and unbound, two minutes")
    parser.add_argument("--rates", nargs="+", type=int, metavar="R", help="these alone")
    parser.add_argument("--rounds", type=int, help="of each of the compared rates")
    parser.add_argument("--warm", type=float, metavar="S", help="seconds")
    parser.add_argument("--seconds", type=float, metavar="S", help="measured")
    parser.add_argument("--seed", type=int, default=1, help="another one is another evening")
    parser.add_argument("--even", action="store_true", help="even gaps, not a Poisson process")
    parser.add_argument("--against", nargs="*", metavar="SERVER", choices=sorted(PEERS))
    parser.add_argument("--workers", type=int, default=1, help="2: another row, with two workers")
    add_builds(parser)
    parser.add_argument("--ahead", action="store_true", help="servers run first; needs root")
    parser.add_argument("--output", type=Path, help="folder; nothing is stored of a short run")
    options = parser.parse_args()
    quick, chosen = options.quick, options.rates is not None
    options.rates = options.rates or COMPARED_RATES
    options.search = not quick and not chosen
    options.rounds = options.rounds or (1 if quick or chosen else 3)
    options.warm = options.warm if options.warm is not None else 8.0 if quick else 20.0
    options.seconds = options.seconds or (8.0 if quick else 20.0)
    if options.against is None:
        options.against = ["unbound"] if quick else ["unbound", "dnsdist"]
    if options.output is None and options.search:
        options.output = Path(__file__).parent.parent / "results"
    return options


def _servers(options: argparse.Namespace, setting: Setting, cores: str) -> dict[str, Begin]:
    """Give how each server is started, those of ours first."""
    ours = builds(options, metrics=True)
    found: dict[str, Begin] = {
        build.label: partial(start_ours, setting, cores, build) for build in ours
    }
    if options.workers > 1:
        label = f"{options.label}, {options.workers} workers"
        more = replace(ours[0], label=label)
        found[label] = partial(start_ours, setting, cores, more, workers=options.workers)
    return found | {name: partial(PEERS[name][1], setting, cores) for name in options.against}


if __name__ == "__main__":
    main()
