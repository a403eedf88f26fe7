"""The mirror's side of bench.allowlist: cold start, memory, look-ups, changes, a reload."""

import asyncio
import gc
import ipaddress
import random
import sys
import threading
import time
from collections.abc import Coroutine
from itertools import islice
from pathlib import Path

import redis

from bench.allowlist import networks, publish, publish_anew
from smartdns.allowlist.follower import Follower
from smartdns.allowlist.mirror import Mirror
from smartdns.allowlist.redis_feed import RedisFeed
from smartdns.contract.grants import Head, Profile
from smartdns.process.process_limits import collect_garbage_in_small_parts

DAY = 740_000
CHANGED = ipaddress.ip_network("203.0.113.7/32")
SWITCH_S = 0.0005
"""As the fast path has it: how long a thread waits for the GIL at most."""


async def measure(url: str, count: int) -> None:
    """Print a line for each figure."""
    mirror = Mirror()
    follower = Follower(mirror, RedisFeed(url))
    collect_garbage_in_small_parts()  # as a worker does
    loaded = asyncio.Event()
    mirror.on_change(lambda _: loaded.set())
    before, began, cpu = private_octets(), time.monotonic(), time.process_time()
    follower.startService()
    await loaded.wait()
    said(
        "cold start from Redis",
        f"{time.monotonic() - began:.2f} s, {time.process_time() - cpu:.2f} s CPU",
    )
    gc.collect()
    said("private memory of each network", f"{(private_octets() - before) / count:.1f} octets")
    look_ups(mirror, count)
    with redis.Redis.from_url(url) as client:
        await changes(mirror, client)
        without = await stalls(mirror, asyncio.sleep(3))
        during = await stalls(mirror, reload(mirror, client, Head(2, 200)))
        burst = await longest_burst(reload(mirror, client, Head(3, 200)))
        said("reactor's longest CPU burst", f"{burst:.1f} ms in a reload")
    for what, milliseconds in during.items():
        said(what, f"{milliseconds:.1f} ms in a reload, {without[what]:.1f} without")
    gc.collect()
    said("private memory after the reload", f"{(private_octets() - before) / count:.1f} octets")


def look_ups(mirror: Mirror, count: int) -> None:
    """CPU time of a look-up: any of all, of 5,000 in use, of strangers."""
    some = [
        ipaddress.ip_network(text).network_address.packed
        for text in islice(networks(count), 200_000)
    ]
    random.shuffle(some)
    strangers = [random.randbytes(4) for _ in range(100_000)]  # noqa: S311
    for name, asked in (("random", some), ("hot", some[:5_000] * 20), ("strangers", strangers)):
        lookup, cpu = mirror.lookup, time.thread_time()
        for address in asked:
            lookup(address, DAY)
        nanoseconds = (time.thread_time() - cpu) / len(asked) * 1e9
        said(f"look-up, {name}", f"{nanoseconds:.0f} ns CPU")


async def changes(mirror: Mirror, client: redis.Redis) -> None:
    """From before the registry's MULTI to the listener's call."""
    heard = asyncio.Event()
    mirror.on_change(lambda _: heard.set())
    taken = []
    for position in range(1, 201):
        heard.clear()
        began = time.monotonic()
        profile = Profile("us", last_day=position)
        await asyncio.to_thread(publish, client, Head(1, position), CHANGED, profile)
        await heard.wait()
        taken.append(time.monotonic() - began)
        await asyncio.sleep(0.01)
    taken.sort()
    said(
        "a change, published to applied",
        f"{taken[100] * 1e3:.1f} ms, the worst {taken[-1] * 1e3:.1f}",
    )


async def longest_burst(work: Coroutine[None, None, None]) -> float:
    """Milliseconds that the reactor's thread computed at most between two turns of a busy loop.

    What stalls an answer, without what the machine's other load adds.
    """
    working, longest = asyncio.ensure_future(work), 0.0
    while not working.done():
        cpu = time.thread_time()
        await asyncio.sleep(0)
        longest = max(longest, time.thread_time() - cpu)
    return longest * 1e3


async def reload(mirror: Mirror, client: redis.Redis, head: Head) -> None:
    """Have everything read anew, and wait until it is swapped in."""
    began = time.monotonic()
    swapped = asyncio.Event()
    mirror.on_change(lambda network: swapped.set() if network is None else None)
    await asyncio.to_thread(publish_anew, client, head)
    await swapped.wait()
    said("reload in the live process", f"{time.monotonic() - began:.2f} s")
    await asyncio.sleep(1.0)  # what was let go of is freed meanwhile


async def stalls(mirror: Mirror, work: Coroutine[None, None, None]) -> dict[str, float]:
    """Milliseconds that others wait while `work` is under way."""
    turns: list[float] = []
    looked: list[float] = []
    done = threading.Event()
    thread = threading.Thread(target=look_up_on, args=(mirror, done, looked))
    thread.start()
    working = asyncio.ensure_future(work)
    while not working.done():
        began = time.monotonic()
        await asyncio.sleep(0.001)
        turns.append(time.monotonic() - began - 0.001)
    done.set()
    thread.join()
    return {
        "reactor's longest stall": max(turns) * 1e3,
        "reactor's stall, 99.9 %": part(turns, 0.999),
        "look-up in a thread, longest": max(looked) * 1e3,
        "look-up in a thread, 99.9 %": part(looked, 0.999),
    }


def part(taken: list[float], share: float) -> float:
    """Milliseconds under which this share of them are."""
    return sorted(taken)[int(len(taken) * share)] * 1e3


def look_up_on(mirror: Mirror, done: threading.Event, taken: list[float]) -> None:
    """Look up as a fast path would, between two datagrams."""
    address = ipaddress.ip_address("203.0.113.7").packed
    while not done.is_set():
        began = time.monotonic()
        time.sleep(0.0003)  # a blocking call: the GIL is given up and taken again
        mirror.lookup(address, DAY)
        taken.append(time.monotonic() - began - 0.0003)


def private_octets() -> int:
    """What this process alone holds."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def said(what: str, figure: str) -> None:
    """Print one line."""
    print(f"  {what:<34}{figure}", flush=True)


if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_S)
    with asyncio.Runner() as runner:
        runner.run(measure(sys.argv[1], int(sys.argv[2])))
