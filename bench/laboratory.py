"""What all servers are measured in: the programs in C, the upstream, Redis with the grants."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.load import HOST
from bench.processes import Measured
from bench.servers import Setting, clients
from smartdns.contract.grants import Head
from smartdns.contract.redis_layout import GRANTS, HEAD, encode_head
from tests.peers.ports import free_port
from tests.peers.redis_server import RedisServer

SOURCES = Path(__file__).parent / "c"
SUFFIXES = ("netflix.com", "nflxvideo.net", "disneyplus.com", "hulu.com")
"""Of the built-in catalogue; the peers steer the same."""
PROGRAMS = ("authority", "floor", "load", "open_load", "stream_load")
_AT_ONCE = 20_000


@contextlib.contextmanager
def laboratory(folder: Path, networks: int, core: str) -> Iterator[Setting]:
    """Compile, start what the servers need on `core`, and publish so many grants."""
    binaries = {name: _compiled(name, folder) for name in PROGRAMS}
    upstream = free_port()
    authority = Measured([str(binaries["authority"]), HOST, str(upstream)], core)
    redis = RedisServer(folder)
    redis.start()
    try:
        setting = Setting(folder, upstream, (), SUFFIXES, redis.url, binaries)
        yield publish(setting, redis, networks)
    finally:
        authority.stop()
        redis.kill()


def publish(setting: Setting, redis: RedisServer, networks: int) -> Setting:
    """Put grants into Redis, as the registry does."""
    addresses = clients(networks)
    with redis.client() as client:
        for first in range(0, networks, _AT_ONCE):
            some = addresses[first : first + _AT_ONCE]
            client.hset(GRANTS, mapping={f"{each}/32": "-" for each in some})
        client.set(HEAD, encode_head(Head(1, networks)))
    return replace(setting, networks=addresses)


def _compiled(name: str, folder: Path) -> Path:
    program = folder / name
    libraries = ("-lssl", "-lcrypto") if name == "stream_load" else ()
    command = ["gcc", "-O2", "-o", program, SOURCES / f"{name}.c", *libraries]
    subprocess.run(command, check=True)
    return program
