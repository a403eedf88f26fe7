"""What a relayed gigabyte and a relayed connection cost, ours beside other people's relays.

    make bench-relay                  all of it, some minutes
    python -m bench.relay --rounds 1  a first look

The relay has one core, clients and origin the other. Rounds are interleaved: every relay has
its turn in each. CPU is that of all its threads and processes, from the kernel's accounting.
"""

import contextlib
import functools
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from bench.relay_peers import Peer, commands, free_port, running
from bench.relay_report import write_report

RESULTS = Path(__file__).parent / "results"
RELAY_CORE, LOAD_CORE = 0, 1
GIGABYTE = 1_000_000_000
CONNECTIONS = (1, 4, 64)

Samples = dict[str, dict[str, list[float]]]
Load = Callable[["Peer", "Sizes"], dict[str, float]]


@dataclass(frozen=True)
class Sizes:
    """How much is done in one round."""

    octets: int
    quick: int
    handshakes: int
    first: int
    idle: int


def load(*arguments: object, module: str = "bench.relay_load") -> str:
    """Run the clients to their end; what they measured."""
    done = subprocess.run(
        [*_load_command(module), *map(str, arguments)],
        stdout=subprocess.PIPE, check=True, timeout=300,
    )  # fmt: skip
    return done.stdout.decode().strip()


def _load_command(module: str = "bench.relay_load") -> list[str]:
    return ["taskset", "--cpu-list", str(LOAD_CORE), sys.executable, "-m", module]


def bulk(peer: Peer, sizes: Sizes, connections: int) -> dict[str, float]:
    """Fetch through one relay over so many connections."""
    before = peer.cpu_seconds()
    seconds = float(load("bulk", peer.port, connections, sizes.octets // connections))
    used = peer.cpu_seconds() - before
    gigabytes = sizes.octets / GIGABYTE
    return {
        f"cpu_ms_per_gb_{connections}": used * 1e3 / gigabytes,
        f"gb_per_s_{connections}": gigabytes / seconds,
    }


def quick(peer: Peer, sizes: Sizes) -> dict[str, float]:
    """Open and close connections."""
    before = peer.cpu_seconds()
    per_second = sizes.quick / float(load("quick", peer.port, 32, sizes.quick))
    used = peer.cpu_seconds() - before
    return {
        "connections_per_s": per_second,
        "cpu_us_per_connection": used * 1e6 / sizes.quick,
        "connections_per_cpu_s": sizes.quick / used,
    }


def handshakes(peer: Peer, count: int, folder: Path) -> dict[str, float]:
    """Make real TLS connections."""
    before = peer.cpu_seconds()
    load("shake", folder, peer.port, count, module="bench.relay_tls")
    return {"handshakes_per_cpu_s": count / (peer.cpu_seconds() - before)}


def one_round(peers: list[Peer], sizes: Sizes, samples: Samples) -> None:
    """Let all relays do the same, one right after the other, before the next load."""
    loads: list[Load] = [functools.partial(bulk, connections=number) for number in CONNECTIONS]
    for each in (*loads, quick):
        for peer in peers:
            for figure, value in each(peer, sizes).items():
                samples[peer.name][figure].append(value)
    times = load("first", sizes.first, *(peer.port for peer in peers)).split()
    for peer, milliseconds in zip(peers, times, strict=True):
        samples[peer.name]["first_octet_ms"].append(float(milliseconds))


def idle_memory(peer: Peer, count: int) -> float:
    """Octets of process memory for each of `count` connections that wait."""
    before = peer.memory()
    with subprocess.Popen(
        [*_load_command(), "idle", str(peer.port), str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as clients:  # fmt: skip
        assert clients.stdout is not None  # noqa: S101 - it was asked for
        if clients.stdout.readline() != b"ready\n":
            return float("nan")
        after = peer.memory()
        clients.communicate()
    return (after - before) / count


@contextlib.contextmanager
def relays(*origin_module: str) -> Iterator[tuple[list[Peer], Path]]:
    """Run every relay in front of one origin, with a folder that they share."""
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        folder, origin = Path(directory), free_port()
        origin_command = [sys.executable, "-m", *origin_module, str(origin), directory]
        stack.enter_context(running(origin_command, origin, LOAD_CORE))
        peers = [
            Peer(name, port, stack.enter_context(running(command, port, RELAY_CORE)))
            for name, (port, command) in commands(origin, folder).items()
        ]
        yield peers, folder


def run(rounds: int, sizes: Sizes) -> Samples:
    """Give every sample of every figure of every relay."""
    samples: Samples = defaultdict(lambda: defaultdict(list))
    with relays("bench.relay_origin") as (peers, _):
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", flush=True)
            one_round(peers, sizes, samples)
        for peer in peers:
            print(f"{sizes.idle} idle connections: {peer.name}", flush=True)
            samples[peer.name]["idle_octets"].append(idle_memory(peer, sizes.idle))
    with relays("bench.relay_tls", "serve") as (peers, folder):
        for number in range(rounds):
            print(f"handshakes, round {number + 1} of {rounds}", flush=True)
            for peer in peers:
                for figure, value in handshakes(peer, sizes.handshakes, folder).items():
                    samples[peer.name][figure].append(value)
    return samples


@click.command()
@click.option("--rounds", default=5, show_default=True)
@click.option("--gigabytes", default=0.6, show_default=True, help="Relayed at a time.")
@click.option("--quick", default=2000, show_default=True, help="Connections opened at a time.")
@click.option("--idle", default=10_000, show_default=True, help="As far as descriptors suffice.")
def main(rounds: int, gigabytes: float, quick: int, idle: int) -> None:
    """Measure all relays and write table, figures and plot to bench/results/."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    idle = min(idle, hard // 2 - 400)
    sizes = Sizes(int(gigabytes * GIGABYTE) // 64 * 64, quick, quick // 2, 300, idle)
    samples = run(rounds, sizes)
    medians = {
        name: {figure: statistics.median(values) for figure, values in figures.items()}
        for name, figures in samples.items()
    }
    about = {
        "kernel": platform.release(),
        "python": platform.python_version(),
        "congestion_control": Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip(),
        "rounds": rounds,
        "idle_connections": idle,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "relay.json").write_text(
        json.dumps({"about": about, "medians": medians, "samples": samples}, indent=1) + "\n"
    )
    print(write_report(RESULTS, about, medians, samples))


if __name__ == "__main__":
    main()
