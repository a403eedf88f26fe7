"""What becomes of a household while parts of the installation die, one after the other."""

import os
import resource
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from tests.peers.form_client import FormClient
from tests.peers.installation import RELAY, Installation, alive
from tests.peers.waiting import wait_until

STEERED = "www.netflix.com"
AT_ONCE = 100
"""Queries that may wait for their reply."""
SILENCE_S = 20
"""After so long without any reply none will come."""


@pytest.fixture
def browser(shared: Installation) -> Iterator[FormClient]:
    """The owner's, from an address that is let in."""
    wait_until(lambda: bool(shared.status()["ready"]))
    client = shared.browser()
    client.submit(client.get("/").form("Register my IP address"))
    shared.dig_until(RELAY, STEERED)
    yield client
    wait_until(lambda: bool(shared.status()["ready"]))


def networks_in_page(browser: FormClient) -> bool:
    """Say whether the page lists a registered address."""
    return any(form.action == "/addresses/remove" for form in browser.get("/").forms)


def test_redis_dies_and_nobody_is_locked_out(shared: Installation, browser: FormClient) -> None:
    """Answers go on from memory, Redis is back and filled by itself, a removal gets through."""
    (redis,) = shared.pids("redis")
    os.kill(redis, signal.SIGKILL)
    assert RELAY in shared.dig(STEERED)
    wait_until(lambda: shared.pids("redis") not in ([], [redis]))
    assert RELAY in shared.dig(STEERED)
    browser.submit(browser.get("/").form("/addresses/remove"))
    shared.dig_until("status: REFUSED", STEERED)


def test_registry_killed_between_commit_and_publish(
    shared: Installation, browser: FormClient
) -> None:
    """A change that was stored is published by the registry's successor."""
    (redis,), (registry,) = shared.pids("redis"), shared.pids("registry")
    os.kill(redis, signal.SIGSTOP)  # nothing can be published
    try:
        browser.submit(browser.get("/").form("/addresses/remove"))
        assert not networks_in_page(browser), "committed"
        assert RELAY in shared.dig(STEERED), "not published"
        os.kill(registry, signal.SIGKILL)
    finally:
        os.kill(redis, signal.SIGCONT)
    shared.dig_until("status: REFUSED", STEERED)
    wait_until(lambda: shared.pids("registry") not in ([], [registry]))


def test_a_resolver_that_is_killed_is_back(shared: Installation, browser: FormClient) -> None:
    """The standby takes its place."""
    (before,) = shared.pids("resolver")
    wait_until(lambda: len(resolvers_of(shared)) == 2)
    (standby,) = resolvers_of(shared) - {before}
    query = dns.message.make_query(STEERED, "A")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: is_answered(query, shared.dns))
    assert shared.pids("resolver") == [standby]


def test_a_resolver_that_is_killed_refuses_nobody(
    shared: Installation, browser: FormClient
) -> None:
    """Its successor knows who is registered, and answers what came meanwhile."""
    (before,) = shared.pids("resolver")
    wait_until(lambda: stands_by(shared))
    with asking(shared.dns, 200) as asked:
        wait_until(lambda: bool(asked.rcodes))
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: bool(shared.status()["ready"]) and shared.pids("resolver") != [before])
    assert set(asked.rcodes) == {dns.rcode.NOERROR}
    assert asked.count - len(asked.rcodes) < 5, "what it had in hand, and nothing that was queued"


def test_a_rolling_restart_without_redis_leaves_the_resolver_in_place(
    shared: Installation, browser: FormClient
) -> None:
    """Nobody is refused, and that the worker stays is said; even if it dies, who stood by knows."""
    (redis,), (before,) = shared.pids("redis"), shared.pids("resolver")
    wait_until(lambda: stands_by(shared))
    said = shared.output.stat().st_size
    os.kill(redis, signal.SIGSTOP)
    try:
        with asking(shared.dns, 200) as asked:
            shared.signal(signal.SIGHUP)
            wait_until(lambda: stayed(shared, said) == 2)
            assert shared.pids("resolver") == [before]
            os.kill(before, signal.SIGKILL)
            wait_until(lambda: shared.pids("resolver") not in ([], [before]))
    finally:
        os.kill(redis, signal.SIGCONT)
    assert set(asked.rcodes) == {dns.rcode.NOERROR}


def stayed(installation: Installation, since: int) -> int:
    """Count the roles of which it was said that a worker stays; `since` an offset in the output."""
    line = b"a worker stays as it is: its successor was not ready in 30 s"
    return installation.output.read_bytes()[since:].count(line)


def test_a_rolling_restart_goes_on_once_redis_is_there(
    shared: Installation, browser: FormClient
) -> None:
    """Each successor is given sockets when it has read the allowlist; till then nobody notices."""
    wait_until(lambda: stands_by(shared))
    before, known = pids_of(shared), resolvers_of(shared)
    (redis,) = shared.pids("redis")
    os.kill(redis, signal.SIGSTOP)
    try:
        with asking(shared.dns, 200) as asked:
            shared.signal(signal.SIGHUP)
            wait_until(lambda: stands_by(shared, besides=known))
            assert shared.pids("resolver") == before["resolver"]
            os.kill(redis, signal.SIGCONT)
            until_replaced(shared, before)
    finally:
        os.kill(redis, signal.SIGCONT)
    assert Counter(asked.rcodes) == {dns.rcode.NOERROR: asked.count}


def stands_by(installation: Installation, besides: AbstractSet[int] = frozenset()) -> bool:
    """Say whether a resolver waits beside the one that answers, and has nothing more to load.

    `besides`: others that do not count.
    """
    waiting = resolvers_of(installation) - set(installation.pids("resolver")) - besides
    before = {pid: cpu_seconds(pid) for pid in waiting}
    time.sleep(0.5)
    return len(waiting) == 1 and before == {pid: cpu_seconds(pid) for pid in waiting}


def resolvers_of(installation: Installation) -> set[int]:
    """Give the processes that answer queries, or wait to."""
    children = Path(f"/proc/{installation.pid}/task/{installation.pid}/children").read_text()
    command = b"\0worker\0resolver\0"
    return {
        pid
        for pid in map(int, children.split())
        if alive(pid) and command in Path(f"/proc/{pid}/cmdline").read_bytes()
    }


def is_answered(query: dns.message.Message, port: int) -> bool:
    """Ask once and wait for a moment."""
    try:
        return bool(dns.query.udp(query, "127.0.0.1", 0.1, port).answer)
    except (dns.exception.Timeout, OSError):
        return False


def test_descriptors_run_out_and_datagrams_go_on(shared: Installation, browser: FormClient) -> None:
    """With every descriptor taken by idle connections UDP is served, and nothing spins."""
    (resolver,) = shared.pids("resolver")
    before = resource.prlimit(resolver, resource.RLIMIT_NOFILE)
    used = sum(1 for _ in Path(f"/proc/{resolver}/fd").iterdir())
    resource.prlimit(resolver, resource.RLIMIT_NOFILE, (used + 5, before[1]))
    try:
        with ExitStack() as connections:
            for _ in range(40):
                idle = connections.enter_context(socket.socket())
                idle.settimeout(60)
                idle.connect(("127.0.0.1", shared.dns))
            assert RELAY in shared.dig(STEERED)
            spent = cpu_seconds(resolver)
            time.sleep(1.0)
            assert cpu_seconds(resolver) - spent < 0.5
    finally:
        resource.prlimit(resolver, resource.RLIMIT_NOFILE, before)
    shared.dig_until(RELAY, STEERED, "+tcp")


def cpu_seconds(pid: int) -> float:
    """Processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_full_disk_stops_registrations_and_no_query(
    shared: Installation, browser: FormClient
) -> None:
    """The page says plainly that it cannot; afterwards the database is whole."""
    (registry,) = shared.pids("registry")
    page = browser.get("/")
    before = resource.prlimit(registry, resource.RLIMIT_FSIZE)
    resource.prlimit(registry, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        refused = browser.submit(page.form("/addresses/remove"))
        assert refused.status == 503
        assert RELAY in shared.dig(STEERED)
    finally:
        resource.prlimit(registry, resource.RLIMIT_FSIZE, before)
    wait_until(lambda: browser.get("/").status == 200)
    assert networks_in_page(browser), "nothing was lost"
    assert RELAY in shared.dig(STEERED)


def test_a_rolling_restart_loses_no_query(shared: Installation, browser: FormClient) -> None:
    """SIGHUP replaces every worker while 1,000 queries a second are asked; all are answered."""
    before = pids_of(shared)
    with asking(shared.dns, 1_000) as asked:
        shared.signal(signal.SIGHUP)
        until_replaced(shared, before)
    assert asked.count > 1_000
    assert Counter(asked.rcodes) == {dns.rcode.NOERROR: asked.count}


def pids_of(installation: Installation) -> dict[str, list[int]]:
    """Give the workers of each role."""
    return {role: installation.pids(role) for role in ("resolver", "relay", "registry")}


def until_replaced(installation: Installation, before: dict[str, list[int]]) -> None:
    """Wait until other workers are at every place, and those from before are gone.

    A successor that the machine is too busy to start in time leaves the worker in place, and that
    is said; then the operator asks again.
    """
    said = installation.output.stat().st_size

    def replaced() -> bool:
        nonlocal said
        if stayed(installation, said):
            said = installation.output.stat().st_size
            installation.signal(signal.SIGHUP)
        return all(not set(pids) & set(installation.pids(role)) for role, pids in before.items())

    wait_until(replaced)
    wait_until(lambda: not any(alive(pid) for pids in before.values() for pid in pids))


class Asked:
    """How many queries were sent, and the RCODE of each reply."""

    def __init__(self) -> None:
        self.count = 0
        self.rcodes: list[int] = []


@contextmanager
def asking(port: int, rate: int) -> Iterator[Asked]:
    """Ask for a steered name `rate` times a second meanwhile."""
    asked, over = Asked(), threading.Event()
    load = threading.Thread(target=ask_on_and_on, args=(port, rate, over, asked))
    load.start()
    try:
        yield asked
    finally:
        over.set()
        load.join()


def ask_on_and_on(port: int, rate: int, over: threading.Event, asked: Asked) -> None:
    """Send until it is over, then wait for the replies that are still to come.

    On a busy machine it asks less: as many as a socket holds may be unanswered, and what was missed
    is not made up for, which would be more than the resolver grants a client.
    """
    query = dns.message.make_query(STEERED, "A").to_wire()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        client.connect(("127.0.0.1", port))
        client.setblocking(False)
        due, last = 0.0, time.monotonic()
        while not over.is_set() and asked.count < 0xFFFF:
            now = time.monotonic()
            due, last = min(due + (now - last) * rate, AT_ONCE), now
            while due >= 1 and asked.count < min(len(asked.rcodes) + AT_ONCE, 0xFFFF):
                client.send(asked.count.to_bytes(2, "big") + query[2:])
                asked.count += 1
                due -= 1
            _collect(client, asked.rcodes)
            time.sleep(0.002)
        heard = time.monotonic()
        while len(asked.rcodes) < asked.count and time.monotonic() < heard + SILENCE_S:
            if _collect(client, asked.rcodes):
                heard = time.monotonic()
            time.sleep(0.01)


def _collect(client: socket.socket, rcodes: list[int]) -> bool:
    """Read all there is; say whether that was anything."""
    before = len(rcodes)
    try:
        while True:
            rcodes.append(client.recv(2_000)[3] & 0xF)
    except BlockingIOError:
        return len(rcodes) > before


def test_sigterm_ends_all_and_a_killed_up_takes_its_children_along(
    installation: Installation,
) -> None:
    """Exit status 0 and no process left; the same when nobody could say goodbye."""
    installation.start()
    first = [pid for role in installation.status()["roles"].values() for pid in role["pids"]]
    assert installation.stop() == 0
    assert not any(alive(pid) for pid in first)
    assert not (installation.state / "control").exists()

    installation.start()
    second = [pid for role in installation.status()["roles"].values() for pid in role["pids"]]
    installation.signal(signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in second))
