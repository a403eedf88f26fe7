"""Ours against dnsdist, unbound, BIND, dnsmasq and a C echo, in one run: `make bench`.

    python -m bench.resolver [--quick] [--only LOAD ..] [--against SERVER ..] [--names N]
                             [--rounds N] [--seconds S] [--output FOLDER]
                             [--label LABEL] [--also LABEL=MEDIASTREAMER ..]

One worker each, on the first core; load and upstream on the last. For each kind of load all
servers are measured in turn, several times over, and the medians count, so that what else the
machine does meets all of them. CPU is that of all processes and threads of a server for each
answered query, the kernel's part included; ratios within one run are what compares.

Of a miss the latency counts, less that of the upstream when it is asked directly. The load sleeps
between such queries, or the upstream beside it would have to wait for the scheduler's turn.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.builds import add_builds, builds
from bench.laboratory import laboratory
from bench.load import Generator, Load, wait_until_it_answers
from bench.peers import UNBOUND, installed_peers
from bench.queries import ordinary_names, write
from bench.resolver import growth
from bench.resolver.loads import (
    FLOOR,
    FORMS,
    KINDS,
    MANY_ZONES,
    MISSES,
    SATURATED,
    STREAMS,
    fresh_loads,
    steady_loads,
)
from bench.resolver.plot import plot
from bench.resolver.report import Results, save
from bench.resolver.rounds import WARM_WINDOW, Rounds
from bench.resolver.streams import stream_servers
from bench.servers import Server, Setting, Start, start_floor, start_ours

NETWORKS = 100_000


def main() -> None:
    """Measure, print, store."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    cores = sorted(os.sched_getaffinity(0))
    first, last = str(cores[0]), str(cores[-1])
    ours = builds(options)
    starts: list[Start] = [partial(start_ours, installed=build) for build in ours]
    results = Results([build.label for build in ours])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as text:
        folder = Path(text)
        with laboratory(folder, NETWORKS, last) as setting:
            generator = Generator(setting.binaries, last)
            loads = steady_loads(folder, options.names)
            rounds = Rounds(setting, generator, options.rounds, options.seconds, results)
            if datagrams := [kind for kind in options.only if kind not in STREAMS]:
                peers = [*installed_peers(options.against), start_floor]
                with _started(setting, first, [*starts, *peers], results) as running:
                    _measure_datagrams(rounds, running, datagrams, loads, options.names)
                    results.memory = {each.name: each.process.memory() for each in running}
            if streams := [kind for kind in options.only if kind in STREAMS]:
                peers = installed_peers([UNBOUND])
                with stream_servers(setting, first, [*starts, *peers]) as running:
                    _measure_streams(rounds, running, streams, loads["hits"], options.names)
            if set(options.only) == set(KINDS):
                _measure_ours_alone(setting, generator, loads, cores, options, results)
    save(results, options.output)
    plot(results, options.output / "resolver.png")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare resolvers on this machine.")
    parser.add_argument("--quick", action="store_true", help="fewer names, shorter rounds")
    parser.add_argument(
        "--only", nargs="+", metavar="LOAD", choices=KINDS, default=KINDS,
        help=f"nothing else is measured: {', '.join(KINDS)}",
    )  # fmt: skip
    parser.add_argument("--against", nargs="+", metavar="SERVER", help="ours is always one")
    parser.add_argument("--names", type=int, help="names in the cache")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each round")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent.parent / "results")
    add_builds(parser)
    options = parser.parse_args()
    names, rounds, seconds = (1_000, 3, 0.7) if options.quick else (10_000, 7, 2.0)
    options.names = options.names or names
    options.rounds = options.rounds or rounds
    options.seconds = options.seconds or seconds
    options.sizes = (10_000, 100_000) if options.quick else (10_000, 100_000, 1_000_000)
    return options


@contextmanager
def _started(
    setting: Setting, core: str, starts: Sequence[Start], results: Results
) -> Iterator[list[Server]]:
    """Start one after the other; how long it takes until each answers is a result, too."""
    running: list[Server] = []
    try:
        for start in starts:
            server = start(setting, core)
            running.append(server)
            if server.name != FLOOR:
                results.start[server.name] = wait_until_it_answers(
                    server.port, server.process, "first.example.net"
                )
        yield running
    finally:
        for server in running:
            server.process.stop()


def _measure_datagrams(
    rounds: Rounds,
    running: Sequence[Server],
    kinds: Sequence[str],
    loads: dict[str, Load],
    names: int,
) -> None:
    if not {MISSES, SATURATED, *FORMS, "refused", MANY_ZONES}.issuperset(kinds):
        for server in running:
            _teach(server, rounds.generator, loads, names)
    fresh = fresh_loads(rounds.setting.folder, names)
    for kind in kinds:
        if kind == MISSES:
            rounds.misses(running)
        elif kind in fresh:
            rounds.fresh(kind, running, fresh[kind])
        else:
            rounds.steady(kind, running, loads[kind])


def _measure_streams(
    rounds: Rounds, running: Sequence[Server], kinds: Sequence[str], hits: Load, names: int
) -> None:
    every = write(rounds.setting.folder / "every", ordinary_names(names))
    for server in running:
        rounds.generator.run(Load(every, window=WARM_WINDOW), server.port, 0)
    for kind in kinds:
        rounds.streams(kind, running, hits)


def _teach(server: Server, generator: Generator, loads: dict[str, Load], names: int) -> None:
    """Let a server learn every name, or misses would be measured."""
    folder = loads["hits"].queries.parent
    everything = ordinary_names(names)
    files = (
        write(folder / "every", everything),
        write(folder / "every-edns", everything, edns=True),
        loads["steered"].queries,
    )
    for file in files:
        for _ in range(3):  # from upstream, from the cache, from whatever is before the cache
            generator.run(Load(file, window=WARM_WINDOW), server.port, 0)


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


if __name__ == "__main__":
    main()
