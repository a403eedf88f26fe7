"""A million households: what the allowlist costs a worker and the registry.

    python -m bench.allowlist [NETWORKS] [mirror|sqlite|postgresql]

Each side runs in a process of its own beside a real Redis and prints a line for each figure. Times
are wall-clock on whatever else the machine does; "CPU" is the measuring process's own. A stall is
how much later than it should a turn came; the same without the load is printed beside it.
"""

import ipaddress
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import redis

from smartdns.contract.addresses import Network
from smartdns.contract.grants import GrantChange, Head, Profile
from smartdns.contract.redis_layout import (
    CHANGES,
    GRANTS,
    HEAD,
    encode_head,
    encode_message,
    encode_profile,
)
from tests.peers.redis_server import RedisServer

PROFILES = [
    f"region={region} until=2099-12-{day:02d}"
    for region in ("us", "gb", "fr", "de", "jp")
    for day in range(1, 29)
]


def main() -> None:
    """Measure one side or both."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    sides = sys.argv[2:] or ["mirror", "sqlite", "postgresql"]
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            for side in sides:
                print(f"{side}, {count:,} networks", flush=True)
                if side == "mirror":
                    fill(server, count)
                module = "mirror" if side == "mirror" else "registry"
                command = [sys.executable, "-m", f"bench.allowlist_{module}"]
                subprocess.run([*command, server.url, str(count), folder, side], check=True)
        finally:
            server.kill()


def networks(count: int) -> Iterator[str]:
    """Yield distinct networks in the mix of households: 60 % IPv4, 35 % IPv6 /64, 5 % others."""
    scramble = random.Random(7)  # noqa: S311 - the same ones in each run
    for number in range(count):
        kind, spread = scramble.random(), (number * 2_654_435_761) & 0xFFFF_FFFF
        if kind < 0.6:
            yield f"{ipaddress.IPv4Address(spread)}/32"
        elif kind < 0.95:
            yield f"{ipaddress.IPv6Address((0x2A00 << 112) | (spread << 68))}/64"
        else:
            yield f"{ipaddress.IPv6Address((0x2B00 << 112) | (spread << 72))}/56"


def fill(server: RedisServer, count: int) -> None:
    """Publish them as a registry does."""
    began, fields = time.monotonic(), networks(count)
    with server.client() as client:
        client.flushall()
        while part := list(islice(fields, 10_000)):
            texts = {network: PROFILES[hash(network) % len(PROFILES)] for network in part}
            client.hset(GRANTS, mapping=texts)
        client.set(HEAD, encode_head(Head(1, 0)))
        octets = client.info("memory")["used_memory"]
    print(f"  filled Redis in {time.monotonic() - began:.1f} s, {octets / count:.0f} octets each")


def publish(client: redis.Redis, head: Head, network: Network, profile: Profile | None) -> None:
    """Publish one change as the registry does; a `profile` of None is a removal."""
    with client.pipeline() as pipe:
        if profile is None:
            pipe.hdel(GRANTS, str(network))
        else:
            pipe.hset(GRANTS, str(network), encode_profile(profile))
        pipe.set(HEAD, encode_head(head))
        pipe.publish(CHANGES, encode_message([GrantChange(head, network, profile)]))
        pipe.execute()


def publish_anew(client: redis.Redis, head: Head) -> None:
    """Have every mirror read everything, under a new epoch."""
    client.set(HEAD, encode_head(head))
    client.publish(CHANGES, encode_head(head))


if __name__ == "__main__":
    main()
