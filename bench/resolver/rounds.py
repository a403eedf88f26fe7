"""Rounds: for each kind of load every server is measured in turn, several times over.

So what else the machine does meets all of them, and the medians count.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.load import Generator, Load, Run
from bench.queries import unique_names, write
from bench.resolver.loads import MISS_RATE, MISSES, STREAMS, Fresh, takes_part
from bench.resolver.report import DIRECT, Results
from bench.resolver.streams import ask_streams
from bench.servers import Server, Setting

MISS_SECONDS = 3.0
"""At least: fewer queries have no 99th percentile."""
WARM_WINDOW = 16

T = TypeVar("T")


@dataclass
class Rounds:
    """What all measurements of a run share."""

    setting: Setting
    generator: Generator
    count: int
    seconds: float
    results: Results

    def steady(self, kind: str, running: Sequence[Server], load: Load) -> None:
        """Load each server for some seconds."""
        self._each(
            kind,
            running,
            lambda _: load,
            lambda server, load: self.generator.run(
                load, server.port, self.seconds, server.process
            ),
        )

    def fresh(self, kind: str, running: Sequence[Server], prepare: Callable[[int], Fresh]) -> None:
        """Let each server learn a round's names, then ask each once in a form that is new."""

        def run(server: Server, fresh: Fresh) -> Run:
            for _ in range(fresh.passes):
                self.generator.run(Load(fresh.known, window=WARM_WINDOW), server.port, 0)
            return self.generator.run(Load(fresh.asked), server.port, 0, server.process)

        self._each(kind, running, prepare, run)

    def streams(self, kind: str, running: Sequence[Server], load: Load) -> None:
        """Ask over connections that stay, many queries in each write."""
        self._each(
            kind,
            running,
            lambda _: STREAMS[kind],
            lambda server, encrypted: ask_streams(
                self.generator, load, server, self.seconds, encrypted=encrypted
            ),
        )

    def misses(self, running: Sequence[Server]) -> None:
        """Ask each server, and the upstream itself, names that it was never asked."""
        seconds = max(self.seconds, MISS_SECONDS)

        def prepare(number: int) -> Load:
            names = unique_names(int(seconds * MISS_RATE) + 1, f"f{number}-")
            load = Load(write(self.setting.folder / "fresh", names), MISS_RATE)
            direct = self.generator.run(load, self.setting.upstream, seconds)
            self.results.runs.setdefault(MISSES, {}).setdefault(DIRECT, []).append(direct)
            return load

        self._each(
            MISSES,
            running,
            prepare,
            lambda server, load: self.generator.run(load, server.port, seconds, server.process),
        )

    def _each(
        self,
        kind: str,
        running: Sequence[Server],
        prepare: Callable[[int], T],
        run: Callable[[Server, T], Run],
    ) -> None:
        """Measure all that take part; `prepare` makes what is asked in a round, by its number."""
        taking_part = [each for each in running if takes_part(each, kind)]
        runs = self.results.runs.setdefault(kind, {})
        for number in range(self.count):
            prepared = prepare(number)
            for server in taking_part if number % 2 else reversed(taking_part):
                runs.setdefault(server.name, []).append(run(server, prepared))
        for name, measured in runs.items():
            print(f"{kind:24} {name:24} {_said(measured)}", flush=True)


def _said(runs: Sequence[Run]) -> str:
    cpu, p50, p99, lost = (
        statistics.median(getattr(run, of) for run in runs)
        for of in ("cpu_us", "p50_us", "p99_us", "lost")
    )
    return f"{cpu:8.2f} us of CPU, p50 {p50:6.0f} us, p99 {p99:6.0f} us, lost {lost:6.2%}"
