"""Ours alone: a busy reactor, a growing allowlist, more workers."""

import statistics
from collections.abc import Sequence
from dataclasses import replace

from bench.laboratory import laboratory
from bench.load import Generator, Load, wait_until_it_answers
from bench.servers import Server, Setting, start_ours

_ROUNDS = 5
_TWO_NETWORKS = "127.0.2.248"
"""Eight clients from here on are in one /24 and eight in the next; of two workers each has one."""


def busy_reactor(
    setting: Setting, generator: Generator, loads: dict[str, Load], core: str, seconds: float
) -> dict[str, float]:
    """Mean microseconds to a reply at 20,000 q/s: 5 ms of reactor work every 20 ms, and none."""
    load = loads["20,000 q/s"]
    idle, busy = (start_ours(setting, core, busy=each) for each in (False, True))
    try:
        for server in (idle, busy):
            wait_until_it_answers(server.port, server.process, "first.example.net")
            generator.run(Load(load.queries, window=16), server.port, 20 * seconds)
        means: dict[str, list[float]] = {"none": [], "busy": []}
        for _ in range(_ROUNDS):
            for name, server in (("none", idle), ("busy", busy)):
                means[name].append(generator.run(load, server.port, seconds).mean_us)
        return {name: statistics.median(each) for name, each in means.items()}
    finally:
        idle.process.stop()
        busy.process.stop()


def allowlist(
    setting: Setting,
    generator: Generator,
    loads: dict[str, Load],
    core: str,
    sizes: Sequence[int],
    seconds: float,
) -> dict[int, dict[str, float]]:
    """With so many networks: seconds to the first answer, memory, CPU for a query of each kind."""
    found = {}
    for size in sizes:
        folder = setting.folder / f"networks-{size}"
        folder.mkdir()
        with laboratory(folder, size, generator.core) as larger:
            server = start_ours(larger, core)
            try:
                start_s = wait_until_it_answers(server.port, server.process, "first.example.net")
                found[size] = {"start_s": start_s} | _costs(server, generator, loads, seconds)
            finally:
                server.process.stop()
    return found


def _costs(
    server: Server, generator: Generator, loads: dict[str, Load], seconds: float
) -> dict[str, float]:
    generator.run(Load(loads["hits"].queries, window=16), server.port, 20 * seconds)
    costs = {"octets": float(server.process.memory())}
    for kind in ("hits", "refused"):
        runs = [
            generator.run(loads[kind], server.port, seconds, server.process) for _ in range(_ROUNDS)
        ]
        costs[f"{kind}_us"] = statistics.median(run.cpu_us for run in runs)
    return costs


def workers(
    setting: Setting, generator: Generator, load: Load, cores: Sequence[int], seconds: float
) -> dict[int, dict[str, float]]:
    """CPU for each query and queries a second, by the number of workers.

    They share the cores with the generator of the load, so of the two only the CPU compares.
    """
    load = replace(load, source=_TWO_NETWORKS)
    found = {}
    for count in dict.fromkeys((1, len(cores))):
        server = start_ours(setting, ",".join(map(str, cores)), workers=count)
        try:
            wait_until_it_answers(server.port, server.process, "first.example.net")
            generator.run(replace(load, window=16), server.port, 20 * seconds)
            run = generator.run(load, server.port, 3 * seconds, server.process)
            found[count] = {"rate": run.rate, "cpu_us": run.cpu_us}
        finally:
            server.process.stop()
    return found
