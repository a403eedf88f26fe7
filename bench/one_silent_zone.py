"""What one household's names that time out do to another's: `make bench-silent`.

    python -m bench.one_silent_zone [--quick] [--seconds S] [--ahead] [--against SERVER ..]
                                    [--label LABEL] [--also LABEL=MEDIASTREAMER ..]
                                    [--output FOLDER]

One household asks 100 times a second for a fresh name of a zone about which the upstream stays
silent. After some seconds another asks for a fresh name of other zones four times a second, and
its latencies and failures are measured: where nobody else asks, and where 40 households have an
evening's 1,000 queries a second; each also without the silent zone. Servers, load and cores are
as in `bench.evening`.
"""

import argparse
import contextlib
import json
import os
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from bench.builds import add_builds, builds
from bench.evening.generator import OpenLoop, Replies, ended
from bench.evening.names import evening_names
from bench.evening.trace import HOUSEHOLDS, MEAN_GAP, write_trace
from bench.laboratory import SUFFIXES, laboratory
from bench.load import FIRST_CLIENT, wait_until_it_answers
from bench.peers import PEERS, UNBOUND
from bench.queries import render
from bench.servers import Server, Setting, start_ours
from bench.tables import markdown

SILENT_RATE, FRESH_RATE, EVENING_RATE = 100, 4, 1_000
MOST_MS = 300
_SILENT_HOUSEHOLD, _FRESH_HOUSEHOLD = "127.0.2.200", "127.0.2.210"
_SETTLING_S = 12
"""The silent names have been asked for so long when the other household begins: by then whoever
takes a silent zone for a dead server has done so."""
_NETWORKS = 10_000


@dataclass(frozen=True)
class Situation:
    """Who else asks."""

    name: str
    silent: bool
    evening: bool
    targeted: bool = True


SITUATIONS = (
    Situation("quiet, no silent zone", silent=False, evening=False, targeted=False),
    Situation("quiet", silent=True, evening=False),
    Situation("busy, no silent zone", silent=False, evening=True, targeted=False),
    Situation("busy", silent=True, evening=True),
)


@dataclass(frozen=True)
class Outcome:
    """What the household met that asked for fresh names."""

    server: str
    situation: Situation
    replies: Replies

    @property
    def failures(self) -> int:
        """Names without an answer within two seconds, or with a failure in its place."""
        return self.replies.sent - self.replies.answered + self.replies.servfail

    @property
    def met(self) -> bool:
        """Every name had its answer in time."""
        return not self.failures and self.replies.max_us <= MOST_MS * 1_000


@dataclass(frozen=True)
class Asking:
    """The traces, and the core from which they are asked."""

    setting: Setting
    core: str
    seconds: float

    def meet(self, server: Server, situation: Situation, *, ahead: bool) -> Replies:
        """Let all ask a server that was just started; it is stopped afterwards."""
        port, seconds = server.port, self.seconds + _SETTLING_S
        silent, fresh = self._loop(_SILENT_HOUSEHOLD), self._loop(_FRESH_HOUSEHOLD)
        evening = self._loop(FIRST_CLIENT, HOUSEHOLDS)
        with contextlib.ExitStack() as stack:
            stack.callback(server.process.stop)
            wait_until_it_answers(port, server.process, "first.example.net")
            if ahead:
                server.process.run_ahead()
            asked = self.setting.folder
            if situation.evening:
                warm = round(EVENING_RATE * _SETTLING_S)
                evening.ask(port, asked / "evening", EVENING_RATE, warm)
                count = round(EVENING_RATE * seconds)
                others = evening.start(port, asked / "evening", EVENING_RATE, count, warm)
                stack.callback(ended, others)
            if situation.silent:
                count = round(SILENT_RATE * seconds)
                stack.callback(ended, silent.start(port, asked / "silent", SILENT_RATE, count))
                time.sleep(_SETTLING_S)
            return fresh.ask(port, asked / "fresh", FRESH_RATE, round(FRESH_RATE * self.seconds))

    def write(self, seed: int) -> None:
        """Write the traces."""
        folder, seconds = self.setting.folder, self.seconds + 2 * _SETTLING_S
        _write(folder / "silent", (f"h{i}-s0-60.unreachable.org" for i in range(10_000)))
        _write(folder / "fresh", (f"w{i}-a0-300.zone{i}.com" for i in range(10_000)))
        names = evening_names(seed, SUFFIXES)
        count = round(EVENING_RATE * seconds)
        write_trace(folder / "evening", names, seed, count, even=False)

    def _loop(self, first: str, sources: int = 1) -> OpenLoop:
        return OpenLoop(self.setting.binaries["open_load"], self.core, sources, first)


def main() -> None:
    """Measure, print, store."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    cores = sorted(map(str, os.sched_getaffinity(0)))
    outcomes = []
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as text,
        laboratory(Path(text), _NETWORKS, cores[-1]) as setting,
    ):
        asking = Asking(setting, cores[-1], options.seconds)
        asking.write(seed=1)
        for situation in SITUATIONS:
            for name, begin in _servers(options, setting, ",".join(cores[:-1] or cores)):
                replies = asking.meet(begin(), situation, ahead=options.ahead)
                outcomes.append(Outcome(name, situation, replies))
                print(_line(outcomes[-1]), flush=True)
    print(table(outcomes))
    if options.output:
        _save(outcomes, options.output)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="One silent zone, and what others get.")
    parser.add_argument("--quick", action="store_true", help="10 seconds each, ours alone")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--ahead", action="store_true", help="servers run first; needs root")
    parser.add_argument("--against", nargs="*", metavar="SERVER", choices=sorted(PEERS))
    parser.add_argument("--output", type=Path, help="folder")
    add_builds(parser)
    options = parser.parse_args()
    options.seconds = options.seconds or (10.0 if options.quick else 60.0)
    if options.against is None:
        options.against = [] if options.quick else [UNBOUND]
    if options.output is None and not options.quick:
        options.output = Path(__file__).parent / "results"
    return options


def _servers(
    options: argparse.Namespace, setting: Setting, cores: str
) -> list[tuple[str, Callable[[], Server]]]:
    ours = [(build.label, partial(start_ours, setting, cores, build)) for build in builds(options)]
    return [*ours, *((name, partial(PEERS[name][1], setting, cores)) for name in options.against)]


def _write(file: Path, names: Iterable[str]) -> None:
    queries = map(render, names)
    file.write_bytes(
        b"".join(struct.pack("!HBB", MEAN_GAP, 0, len(query)) + query for query in queries)
    )


def _line(outcome: Outcome) -> str:
    said = outcome.replies
    times = ", ".join(
        f"{name} {each / 1000:.2f}"
        for name, each in (("p50", said.p50_us), ("p99", said.p99_us), ("max", said.max_us))
    )
    return (
        f"{outcome.situation.name:22} {outcome.server:10} {times} ms,"
        f" {outcome.failures} of {said.sent} failed"
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """Make a page of Markdown."""
    rows = [["installation", "server", "p50, ms", "p99, ms", "max, ms", "failed", "asked", ""]]
    for each in outcomes:
        said = each.replies
        times = (f"{us / 1000:.2f}" for us in (said.p50_us, said.p99_us, said.max_us))
        met = ("met" if each.met else "missed") if each.situation.targeted else ""
        counts = (str(each.failures), str(said.sent))
        rows.append([each.situation.name, each.server, *times, *counts, met])
    return (
        "# One silent zone\n\n"
        f"One network asks {SILENT_RATE} times a second for names that time out. Another one's"
        f" fresh names, {FRESH_RATE} a second; busy: {EVENING_RATE:,} queries a second of others."
        f" To be met: each answered within {MOST_MS} ms.\n\n{markdown(rows)}"
    )


def _save(outcomes: Sequence[Outcome], folder: Path) -> None:
    (folder / "silent_zone.md").write_text(table(outcomes))
    text = json.dumps([asdict(each) for each in outcomes], indent=1)
    (folder / "silent_zone.json").write_text(text)


if __name__ == "__main__":
    main()
