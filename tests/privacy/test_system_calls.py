"""What resolver and relay ask of the kernel while canaries go through them: nothing that keeps."""

import os
import signal
import socket
import struct
import threading
from dataclasses import dataclass

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from cli.audit.report import Report
from cli.audit.traffic import Traffic, send_queries, send_to_relay, visit_pages
from smartdns.contract.addresses import parse_socket_address
from tests.peers.installation import RELAY, until
from tests.peers.name_server import NameServer
from tests.privacy.system_calls import Known, Leak, judge
from tests.privacy.traced import TracedInstallation

HOUSEHOLD, STRANGER = "127.0.0.1", "127.66.6.6"
STEERED = "netflix.com"


@dataclass(frozen=True)
class Run:
    """One traced life of an installation."""

    report: Report
    lines: list[str]
    known: Known
    first_worker: int
    status: int


def known_of(installation: TracedInstallation, upstream: NameServer, canary: str) -> Known:
    """Say whom this installation may talk to."""
    listening = {installation.dns, installation.tls, installation.http}
    peers = {f"127.0.0.1:{upstream.port}", f"{RELAY}:443", f"{RELAY}:80"}
    redis = str(installation.state / "redis" / "redis.sock")
    return Known(frozenset(listening), frozenset(peers), redis, canary)


def ask(
    installation: TracedInstallation, name: str, rdtype: str, option: str, tcp: bool = False
) -> dns.message.Message:
    """Ask from the household's address, with a canary in an EDNS option."""
    query = dns.message.make_query(name, rdtype)
    kind = dns.edns.OptionType.make(65001)
    query.use_edns(0, options=[dns.edns.GenericOption(kind, option.encode())])
    send = dns.query.tcp if tcp else dns.query.udp
    return send(query, "127.0.0.1", port=installation.dns, source=HOUSEHOLD, timeout=15)


def send_what_goes_well(installation: TracedInstallation, traffic: Traffic) -> None:
    """Everything a household, a stranger, a visitor and a router do."""
    server = parse_socket_address(f"127.0.0.1:{installation.dns}")
    tls = parse_socket_address(f"127.0.0.1:{installation.tls}")
    http = parse_socket_address(f"127.0.0.1:{installation.http}")
    page = parse_socket_address(f"127.0.0.1:{installation.web}")
    for source, who, rcodes in (
        (HOUSEHOLD, "a household", {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}),
        (STRANGER, "a stranger", {dns.rcode.REFUSED}),
    ):
        for suffix in (STEERED, "example.com", "wild.example.com"):
            send_queries(traffic, server, source, suffix, who, set(map(int, rcodes)))
        send_to_relay(traffic, tls, http, source, STEERED, who)
    visit_pages(traffic, page, f"127.0.0.1:{installation.web}", tls=False)

    def twice(word: str) -> bool:
        replies = [ask(installation, f"{word}.wild.example.com", "A", word) for _ in range(4)]
        return all(reply.answer for reply in replies)

    def truncated(word: str) -> bool:
        return bool(ask(installation, "huge.example.com", "TXT", word).flags & dns.flags.TC)

    traffic.send("answer from the cache", twice)
    traffic.send("truncated reply", truncated)
    traffic.send("connection that is reset", lambda word: reset(installation, word))


def reset(installation: TracedInstallation, word: str) -> bool:
    """Send a query over TCP and end the connection by a reset; the resolver goes on."""
    query = dns.message.make_query(f"{word}.wild.example.com", "A").to_wire()
    connection = socket.create_connection(("127.0.0.1", installation.dns), 5)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(struct.pack("!H", len(query)) + query)
    connection.close()
    return bool(ask(installation, f"{word}.{STEERED}", "A", word, tcp=True).answer)


def asked(installation: TracedInstallation, upstream: NameServer) -> int:
    """Count what went upstream so far."""
    return sum(f"->127.0.0.1:{upstream.port}]>" in line for line in installation.lines())


def send_while_upstream_hangs(
    installation: TracedInstallation, traffic: Traffic, upstream: NameServer
) -> None:
    """A timeout, then SIGTERM with queries that nobody has answered yet."""

    def timeout(word: str) -> bool:
        reply = ask(installation, f"{word}.wild.example.com", "A", word)
        return reply.rcode() == dns.rcode.SERVFAIL

    def in_flight(word: str) -> bool:
        ask(installation, f"{word}.wild.example.com", "A", word)
        return True

    os.kill(upstream.pid, signal.SIGSTOP)
    try:
        traffic.send("query that times out", timeout)
        waiting = [
            threading.Thread(target=traffic.send, args=("query in flight at SIGTERM", in_flight))
            for _ in range(3)
        ]
        before = asked(installation, upstream)
        for thread in waiting:
            thread.start()
        until(lambda: asked(installation, upstream) >= before + len(waiting))
        installation.signal(signal.SIGTERM)
        for thread in waiting:
            thread.join()
    finally:
        os.kill(upstream.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, name_server_of_the_session: NameServer) -> Run:
    """From the start to SIGTERM, once for all tests here."""
    upstream = name_server_of_the_session
    installation = TracedInstallation(
        tmp_path_factory.mktemp("traced"), f"127.0.0.1:{upstream.port}"
    )
    traffic = Traffic(Report())
    installation.start()
    try:
        up = installation.pid
        (worker,) = installation.pids("resolver")
        browser = installation.browser()
        browser.submit(browser.get("/").form("Register my IP address"))
        installation.dig_until(RELAY, f"www.{STEERED}", within=30)
        send_what_goes_well(installation, traffic)
        installation.signal(signal.SIGHUP)
        until(
            lambda: (
                worker not in installation.pids("resolver") and bool(installation.pids("resolver"))
            )
        )
        installation.dig_until(RELAY, f"www.{STEERED}", within=30)
        send_while_upstream_hangs(installation, traffic, upstream)
    finally:
        status = installation.stop()
    known = known_of(installation, upstream, traffic.canaries.tag)
    return Run(traffic.report, installation.lines_after(up), known, worker, status)


def test_the_data_plane_does_nothing_that_keeps(run: Run) -> None:
    """Every call of every worker is to who asked, upstream, Redis, supervisor or itself."""
    verdict = judge(run.lines, run.known)
    assert verdict.leaks == []
    assert len(verdict.processes) >= 4, "a resolver and a relay, before and after SIGHUP"
    assert verdict.judged > 1000
    assert run.status == 0


def test_the_run_counts(run: Run) -> None:
    """It proves something: on every way canaries were answered, all but a few of them."""
    assert run.report.silent == []
    sent, answered = sum(run.report.sent.values()), sum(run.report.answered.values())
    assert sent >= 55
    assert answered >= sent - 3, "those in flight at SIGTERM may end unanswered"


def test_the_tracer_saw_the_canaries(run: Run) -> None:
    """The worker's own calls have them: were they in a file, they would have been seen."""
    theirs = [line for line in run.lines if line.startswith(f"{run.first_worker} ")]
    assert sum(run.known.canary in line for line in theirs) > 20


_LOG = '{sa_family=AF_UNIX, sun_path="/dev/log"}'


@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        ('openat(AT_FDCWD</>, "/x", O_WRONLY|O_CREAT, 0666) = -1 EACCES', "opens for writing"),
        ('write(9</var/log/x>, "\\0", 1) = 1', "writes elsewhere"),
        (f'sendto(9<UNIX-DGRAM:[7]>, "x", 1, 0, {_LOG}, 110) = 1', "writes elsewhere"),
        ("mmap(NULL, 9, PROT_WRITE, MAP_SHARED, 9</x>, 0) = 0x7f", "maps a file for writing"),
        ('write(24<UNIX-STREAM:[1->2]>, "INCR {canary}", 9) = 9', "tells a canary"),
        ('write(2</x>, "KeyError: {canary} at a.py:1\\n", 9) = 9', "says more than a fixed line"),
    ],
)
def test_one_leak_among_all_that_is_found_out(run: Run, planted: str, rule: str) -> None:
    """The same judge, on the same run and one line more."""
    line = f"{run.first_worker} {planted.replace('{canary}', run.known.canary)}"
    lines = [*run.lines, line]
    assert judge(lines, run.known).leaks == [Leak(planted.partition("(")[0], rule)]
