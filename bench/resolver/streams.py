"""Queries over TCP and TLS: many in each write, over connections that stay, of cached names.

The servers are others than those that are asked over UDP, so that a TLS context costs those
neither start nor memory: ours and unbound. dnsdist keeps answers over TCP apart from the others
and asks its upstream over TCP, which ours here does not speak.
"""

import datetime
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from bench.load import CLIENTS, FIRST_CLIENT, HOST, Generator, Load, Run, wait_until_it_answers
from bench.servers import Server, Setting, Start
from tests.peers.certificates import self_signed

CONNECTIONS, PIPELINED = 16, 16


@contextmanager
def stream_servers(setting: Setting, core: str, starts: Sequence[Start]) -> Iterator[list[Server]]:
    """Start servers with a certificate."""
    validity = datetime.timedelta(days=1)
    setting = replace(setting, certificate=self_signed("dns.example", setting.folder, validity))
    running: list[Server] = []
    try:
        for start in starts:
            server = start(setting, core)
            running.append(server)
            wait_until_it_answers(server.port, server.process, "first.example.net")
        yield running
    finally:
        for server in running:
            server.process.stop()


def ask_streams(
    generator: Generator, load: Load, server: Server, seconds: float, *, encrypted: bool
) -> Run:
    """Ask for so many seconds; what the handshakes cost is not counted."""
    where = (HOST, str(server.tls_port if encrypted else server.port), load.queries)
    numbers = (str(seconds), str(CONNECTIONS), str(PIPELINED))
    with subprocess.Popen(
        [
            "taskset", "-c", generator.core, generator.streams, *where, *numbers,
            "tls" if encrypted else "tcp", FIRST_CLIENT, str(CLIENTS),
        ],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as asking:  # fmt: skip
        next(iter(asking.stdout or ()))  # "ready"
        before = server.process.cpu_ns()
        said, _ = asking.communicate("\n")
        spent = server.process.cpu_ns() - before
    if asking.returncode:
        raise RuntimeError(f"{server.name} does not answer over streams")
    answered, took = map(int, said.split())
    return Run(spent / 1000 / max(answered, 1), answered / took * 1e9)
