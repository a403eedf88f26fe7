"""Ours against dnsdist, unbound, BIND, dnsmasq and a C echo, in one run: `make bench`.

    python -m bench.resolver [--quick] [--only LOAD ..] [--against SERVER ..] [--names N]
                             [--rounds N] [--seconds S] [--output FOLDER]

One worker each, on the first core; load and upstream on the last. For each kind of load all
servers are measured in turn, several times over, and the medians count, so that what else the
machine does meets all of them. CPU is that of all processes and threads of a server for each
answered query, the kernel's part included; ratios within one run are what compares.

Of a miss the latency counts, less that of the upstream when it is asked directly. The load sleeps
between such queries, or the upstream beside it would have to wait for the scheduler's turn.
"""

import argparse
import dataclasses
import os
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import growth
from bench.laboratory import SUFFIXES, laboratory
from bench.load import FIRST_STRANGER, Generator, Load, Run, wait_until_it_answers
from bench.plot import plot
from bench.queries import ordinary_names, unique_names, write, zipf
from bench.report import DIRECT, Results, save
from bench.servers import Server, Setting, installed_peers, start_floor, start_ours

NETWORKS = 100_000
MISS_RATE = 200
MISS_SECONDS = 3.0
"""At least: fewer queries have no 99th percentile."""
_WARM_WINDOW = 16


def main() -> None:
    """Measure, print, store."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    cores = sorted(os.sched_getaffinity(0))
    first, last = str(cores[0]), str(cores[-1])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as text:
        folder = Path(text)
        with laboratory(folder, NETWORKS, last) as setting:
            generator = Generator(setting.binaries["load"], last)
            results = Results()
            loads = _loads(folder, options.names)
            running = _start_all(setting, first, options.against, results)
            try:
                _warm(running, generator, loads, options)
                for kind in options.only or loads:
                    if kind == "misses":
                        _measure_misses(loads[kind], setting, running, generator, options, results)
                    else:
                        _measure(kind, loads[kind], running, generator, options, results)
                results.memory = {each.name: each.process.memory() for each in running}
            finally:
                for each in running:
                    each.process.stop()
            if not options.only:
                _measure_ours_alone(setting, generator, loads, cores, options, results)
    save(results, options.output)
    plot(results, options.output / "resolver.png")


def _measure_ours_alone(
    setting: Setting,
    generator: Generator,
    loads: dict[str, Load],
    cores: Sequence[int],
    options: argparse.Namespace,
    results: Results,
) -> None:
    first = str(cores[0])
    results.latency = growth.busy_reactor(setting, generator, loads, first, options.seconds)
    results.growth = growth.allowlist(
        setting, generator, loads, first, options.sizes, options.seconds
    )
    results.workers = growth.workers(setting, generator, loads["hits"], cores, options.seconds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare resolvers on this machine.")
    parser.add_argument("--quick", action="store_true", help="fewer names, shorter rounds")
    parser.add_argument("--only", nargs="+", metavar="LOAD", help="nothing else is measured")
    parser.add_argument("--against", nargs="+", metavar="SERVER", help="ours is always one")
    parser.add_argument("--names", type=int, help="names in the cache")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each round")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    names, rounds, seconds = (1_000, 3, 0.7) if options.quick else (10_000, 7, 2.0)
    options.names = options.names or names
    options.rounds = options.rounds or rounds
    options.seconds = options.seconds or seconds
    options.sizes = (10_000, 100_000) if options.quick else (10_000, 100_000, 1_000_000)
    return options


def _start_all(
    setting: Setting, core: str, against: Sequence[str] | None, results: Results
) -> list[Server]:
    """Start one after the other; how long it takes until each answers is a result, too."""
    running: list[Server] = []
    for start in (start_ours, *installed_peers(against)):
        server = start(setting, core)
        running.append(server)
        server.start_s = wait_until_it_answers(server.port, server.process, "first.example.net")
        results.start[server.name] = server.start_s
    running.append(start_floor(setting, core))
    return running


def _loads(folder: Path, names: int) -> dict[str, Load]:
    """Give each kind of load; the names of a rate are those of the hits."""
    asked = zipf(ordinary_names(names))
    hits = write(folder / "hits", asked)
    strangers = write(folder / "strangers", unique_names(100_000, "r"))
    steered = [f"a{i}.{suffix}" for i in range(200) for suffix in SUFFIXES]
    return {
        "hits": Load(hits),
        "EDNS": Load(write(folder / "edns", asked, edns=True)),
        "steered": Load(write(folder / "steered", steered)),
        "refused": Load(strangers, source=FIRST_STRANGER),
        "20,000 q/s": Load(hits, 20_000),
        "5,000 q/s": Load(hits, 5_000),
        "misses": Load(folder, MISS_RATE),
    }


def _warm(
    running: Sequence[Server],
    generator: Generator,
    loads: dict[str, Load],
    options: argparse.Namespace,
) -> None:
    """Let every server learn every name, or misses would be measured."""
    if not {"misses", "refused"}.issuperset(options.only or loads):
        for server in running:
            _teach(server, generator, loads, options.names)


def _teach(server: Server, generator: Generator, loads: dict[str, Load], names: int) -> None:
    folder = loads["hits"].queries.parent
    everything = ordinary_names(names)
    files = (
        write(folder / "every", everything),
        write(folder / "every-edns", everything, edns=True),
        loads["steered"].queries,
    )
    for file in files:
        # Three times over: from upstream, from the cache, from whatever is before the cache.
        answered = 0.0
        for _ in range(200):
            run = generator.run(Load(file, window=_WARM_WINDOW), server.port, 1)
            answered += run.rate
            if answered > 3 * names:
                break


def _measure(
    kind: str,
    load: Load,
    running: Sequence[Server],
    generator: Generator,
    options: argparse.Namespace,
    results: Results,
) -> None:
    runs: dict[str, list[Run]] = {each.name: [] for each in running if _takes_part(each, kind)}
    for number in range(options.rounds):
        for server in running if number % 2 else reversed(running):
            if server.name in runs:
                run = generator.run(load, server.port, options.seconds, server.process)
                runs[server.name].append(run)
    results.runs[kind] = runs
    for name, measured in runs.items():
        cpu = statistics.median(run.cpu_us for run in measured)
        print(f"{kind:12} {name:24} {cpu:7.2f} us", flush=True)


def _measure_misses(
    load: Load,
    setting: Setting,
    running: Sequence[Server],
    generator: Generator,
    options: argparse.Namespace,
    results: Results,
) -> None:
    """Ask each server, and the upstream itself, names that it was never asked."""
    asked = [
        (each.name, each.port, each.process) for each in running if _takes_part(each, "misses")
    ]
    runs: dict[str, list[Run]] = {name: [] for name, _, _ in asked}
    seconds = max(options.seconds, MISS_SECONDS)
    for number in range(options.rounds):
        fresh = unique_names(int(seconds * MISS_RATE) + 1, f"f{number}-")
        load = dataclasses.replace(load, queries=write(setting.folder / "fresh", fresh))
        for name, port, process in asked if number % 2 else reversed(asked):
            runs[name].append(generator.run(load, port, seconds, process))
        direct = generator.run(load, setting.upstream, seconds)
        runs.setdefault(DIRECT, []).append(direct)
    results.runs["misses"] = runs
    for name, measured in runs.items():
        p50, p99 = (
            statistics.median(getattr(r, of) for r in measured) for of in ("p50_us", "p99_us")
        )
        print(f"{'misses':12} {name:24} p50 {p50:.0f} us, p99 {p99:.0f} us", flush=True)


def _takes_part(server: Server, kind: str) -> bool:
    """Say whether a server does what is measured; the floor answers everything alike."""
    if server.name == "C floor":
        return kind != "misses"
    return (kind != "steered" or server.steers) and (kind != "refused" or server.refuses)


if __name__ == "__main__":
    main()
