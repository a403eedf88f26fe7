"""Ours alone: a busy reactor, a growing allowlist, more workers."""

import statistics
from collections.abc import Sequence

from bench.laboratory import laboratory
from bench.load import Generator, Load, wait_until_it_answers
from bench.servers import Setting, start_ours

_ROUNDS = 5


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


def allowlist(setting: Setting, core: str, sizes: Sequence[int]) -> dict[int, dict[str, float]]:
    """Seconds to the first answer and memory for so many networks."""
    found = {}
    for size in sizes:
        folder = setting.folder / f"networks-{size}"
        folder.mkdir()
        with laboratory(folder, size, core) as larger:
            server = start_ours(larger, core)
            try:
                start_s = wait_until_it_answers(server.port, server.process, "first.example.net")
                found[size] = {"start_s": start_s, "octets": float(server.process.memory())}
            finally:
                server.process.stop()
    return found


def workers(
    setting: Setting, generator: Generator, load: Load, cores: Sequence[int], seconds: float
) -> dict[int, dict[str, float]]:
    """Queries a second and CPU for each, by the number of workers, which share all cores."""
    found = {}
    for count in dict.fromkeys((1, len(cores))):
        server = start_ours(setting, ",".join(map(str, cores)), workers=count)
        try:
            wait_until_it_answers(server.port, server.process, "first.example.net")
            generator.run(Load(load.queries, window=16), server.port, 20 * seconds)
            run = generator.run(load, server.port, 3 * seconds, server.process)
            found[count] = {"rate": run.rate, "cpu_us": run.cpu_us}
        finally:
            server.process.stop()
    return found
