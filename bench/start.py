"""How long a start takes, and what it costs: `make bench-start`.

`up` is started on a state folder of its own, until it prints "Ready": once on an empty folder, then
again on the same one. Processor time is that of all its processes, with those that have ended;
memory is the sum of their PSS, in which each shared page counts once, when nothing starts any more.
`--help` and the completion of a word are whole processes as well. Each figure is the median of
`ROUNDS`, beside the best: what else runs on the machine only adds. `--core N` keeps all of it on
one processor.
"""

import argparse
import os
import platform
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.builds import add_builds, builds
from bench.tables import markdown
from smartdns.process.template import IDLE_S
from tests.peers.installation import Installation, clean_environment

ROUNDS = 7
RESULTS = Path(__file__).parent / "results" / "start.md"
_TICK = os.sysconf("SC_CLK_TCK")


def _tab(words: str) -> tuple[list[str], dict[str, str]]:
    """Give what a shell runs when TAB is pressed after these words."""
    return [], {
        "_MEDIASTREAMER_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }


COMMANDS: dict[str, tuple[list[str], dict[str, str]]] = {
    "`mediastreamer --help`": (["--help"], {}),
    "TAB after `account se`": _tab("mediastreamer account se"),
    "TAB after `up --work`": _tab("mediastreamer up --work"),
    "TAB after a region's first letter": _tab("mediastreamer account add --region u"),
}
"""What a person waits for at a prompt: arguments and variables."""


@dataclass(frozen=True)
class Cost:
    """Of one start or one command."""

    wall_s: float
    cpu_s: float
    mib: float = 0.0
    processes: int = 1


class Up(Installation):
    """A program as it is installed, with as many workers as it starts by itself."""

    def __init__(self, folder: Path, program: Path, options: list[str]) -> None:
        super().__init__(folder, "127.0.0.1:9")
        # Below the ports that this machine's clients get: one may take it between two starts.
        first = 20_000 + os.getpid() % 1_000 * 4
        self.dns, self.web, self.tls, self.http = range(first, first + 4)
        self._program = program
        self._more = options

    def arguments(self) -> list[str]:
        """Command line."""
        _, _, _, *given = super().arguments()
        where = given.index("--workers")
        return [str(self._program), *given[:where], *given[where + 2 :], *self._more]


def main() -> None:
    """Measure, print the table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--core", type=int, help="keep everything on this processor")
    parser.add_argument("--options", default="", help="more options of `up`, such as '--workers 1'")
    parser.add_argument("--output", type=Path, default=RESULTS)
    add_builds(parser)
    given = parser.parse_args()
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    measured: dict[str, dict[str, list[Cost]]] = {}
    for _ in range(given.rounds):
        for build in builds(given):
            for name, cost in one_round(build.program, given.options.split()):
                measured.setdefault(name, {}).setdefault(build.label, []).append(cost)
    rows = [
        ["", "", "wall, median", "best", "processor, median", "best", "memory (PSS)", "processes"]
    ]
    for name, costs in measured.items():
        rows += [row(name, label, found) for label, found in costs.items()]
    told = report(markdown(rows))
    print(told, end="")
    given.output.write_text(told)


def one_round(program: Path, options: list[str]) -> Iterator[tuple[str, Cost]]:
    """Measure everything once; each build takes its turn, so that all meet the same machine."""
    with tempfile.TemporaryDirectory() as folder:
        up = Up(Path(folder), program, options)
        yield "`up` to Ready, first start", start(up)
        yield "`up` to Ready, second start", start(up)
    for name, (arguments, variables) in COMMANDS.items():
        for _ in range(2):
            yield name, run([str(program), *arguments], variables)


def row(name: str, label: str, costs: list[Cost]) -> list[str]:
    """Give the cells about several runs of the same."""
    wall, cpu = [each.wall_s for each in costs], [each.cpu_s for each in costs]
    mib = statistics.median(each.mib for each in costs)
    return [
        *(name, label),
        *(f"{statistics.median(wall):.2f} s", f"{min(wall):.2f} s"),
        *(f"{statistics.median(cpu):.2f} s", f"{min(cpu):.2f} s"),
        *((f"{mib:.0f} MiB", str(costs[0].processes)) if mib else ("", "1")),
    ]


def start(up: Up) -> Cost:
    """Start once; memory is looked at when the standbys are there, and the template has ended."""
    begun = time.monotonic()
    up.start()
    try:
        wall, cpu = time.monotonic() - begun, sum(map(cpu_of, tree(up.pid)))
        while not all_stand_by(up.status()["roles"]):
            time.sleep(0.1)
        time.sleep(IDLE_S + 1)
        pids = tree(up.pid)
        return Cost(wall, cpu, sum(map(pss_of, pids)), len(pids))
    finally:
        up.stop()


def all_stand_by(roles: Mapping[str, Mapping[str, object]]) -> bool:
    """Say whether each role that has a standby has started it."""
    return all(bool(roles[each]["standby"]) for each in ("resolver", "relay"))


def tree(pid: int) -> list[int]:
    """Give a process and all that came of it."""
    found = [pid]
    for each in found:
        for children in Path(f"/proc/{each}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def cpu_of(pid: int) -> float:
    """Give seconds of processor time of a process, and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICK


def pss_of(pid: int) -> float:
    """Give MiB of memory, shared pages in parts."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def run(command: list[str], variables: Mapping[str, str]) -> Cost:
    """Run a command to its end."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, env={**clean_environment(), **variables}
    )
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def report(table: str) -> str:
    """Give the page that is kept."""
    python, load = platform.python_version(), os.getloadavg()[0]
    machine = f"CPython {python}, {os.cpu_count()} processors, load {load:.1f} at the end."
    return f"# A start (`make bench-start`)\n\n{table}\n{machine}\n"


if __name__ == "__main__":
    main()
