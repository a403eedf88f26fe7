"""Canaries on every way through the resolver."""

import os
import signal
import socket
import ssl
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

from cli.audit.traffic import send_queries
from smartdns.contract.addresses import parse_socket_address
from tests.peers.installation import RELAY
from tests.peers.waiting import wait_until
from tests.privacy.faults.sitecustomize import STAGES
from tests.privacy.life import STEERED, Life
from tests.privacy.odd_upstream import KINDS, SUFFIX, TRUE

WILD = "wild.example.com"
_SILENT = "FastPathFault"
"""A batch of datagrams in which something breaks is lost."""


def ask(
    life: Life, name: str, rdtype: str = "A", *, over: str = "udp", plain: bool = False,
    patience: float = 15,
) -> dns.message.Message:  # fmt: skip
    """Ask from the household's address, with a canary in an EDNS option unless it is plain."""
    life.traffic.canaries.made(name, "name that was asked")
    query = dns.message.make_query(name, rdtype)
    if not plain:
        kind = dns.edns.OptionType.make(65001)
        word = life.asker.word("EDNS option").encode()
        subnet = dns.edns.ECSOption(life.home, 32)
        query.use_edns(0, options=[dns.edns.GenericOption(kind, word), subnet])
    where = {"port": life.installation.dns, "source": life.home, "timeout": patience}
    if over == "tls":
        context = ssl._create_unverified_context()  # noqa: S323 - a test's certificate
        where["port"] = life.dns_tls
        return dns.query.tls(query, "127.0.0.1", ssl_context=context, **where)  # type: ignore[arg-type]
    send = dns.query.tcp if over == "tcp" else dns.query.udp
    return send(query, "127.0.0.1", **where)  # type: ignore[arg-type]


def is_steered(life: Life) -> bool:
    """Say whether the household is let in and led to its relay."""
    return RELAY in ask(life, f"www.{STEERED}").to_text()


def send_what_goes_well(life: Life) -> None:
    """Steered, forwarded, cached, absent, refused, truncated, unreadable, reset; UDP, TCP, TLS."""
    traffic, here = life.traffic, life.installation
    server = parse_socket_address(f"127.0.0.1:{here.dns}")
    stranger = traffic.canaries.address("address of a stranger")
    for source, who, rcodes in (
        (life.home, "a household", {0, 3}),
        (stranger, "a stranger", {dns.rcode.REFUSED}),
    ):
        for suffix in (STEERED, "example.com", WILD):
            send_queries(traffic, server, source, suffix, who, set(map(int, rcodes)))

    def again(word: str) -> bool:
        """Over the reactor first, then from what the hot thread remembers."""
        replies = [ask(life, f"{word}.{WILD}", plain=True) for _ in range(6)]
        return all(reply.answer for reply in replies)

    def steered_again(word: str) -> bool:
        replies = [ask(life, f"{word}.{STEERED}", plain=True) for _ in range(6)]
        return all(RELAY in reply.to_text() for reply in replies)

    def truncated(word: str) -> bool:
        return bool(ask(life, "huge.example.com", "TXT").flags & dns.flags.TC) and bool(
            ask(life, f"{word}.{WILD}", over="tcp").answer
        )

    traffic.send("answer from the cache", again)
    traffic.send("answer of the fast path", steered_again)
    traffic.send("truncated reply", truncated)
    traffic.send("query over TLS, steered", lambda w: led(ask(life, f"{w}.{STEERED}", over="tls")))
    traffic.send("query over TLS", lambda w: bool(ask(life, f"{w}.{WILD}", over="tls").answer))
    traffic.send("connection that is reset", lambda word: reset(life, word))


def led(reply: dns.message.Message) -> bool:
    """Say whether a reply leads to the relay."""
    return RELAY in reply.to_text()


def reset(life: Life, word: str) -> bool:
    """Send a query over TCP and end the connection by a reset; the resolver goes on."""
    query = dns.message.make_query(f"{word}.{WILD}", "A").to_wire()
    connection = socket.create_connection(("127.0.0.1", life.installation.dns), 5, (life.home, 0))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.sendall(struct.pack("!H", len(query)) + query)
    connection.close()
    return led(ask(life, f"{word}.{STEERED}", over="tcp"))


def send_what_goes_wrong(life: Life) -> None:
    """Forged, garbled, mismatched, cut and no replies; an exception in each stage."""

    def forge(kind: str) -> None:
        def deed(word: str) -> bool:
            reply = ask(life, f"{word}.{kind}.{SUFFIX}")
            if kind == "forged":
                return reply.answer[0][0].to_text() == TRUE
            return reply.rcode() == dns.rcode.SERVFAIL and not reply.answer

        life.traffic.send(f"upstream's reply: {kind}", deed)

    def break_in(fault: str) -> None:
        def deed(word: str) -> bool:
            name = f"{word}.fault{STAGES['resolver'][fault][2].decode()}.{WILD}"
            return ask(life, name).rcode() == dns.rcode.SERVFAIL

        life.traffic.send(f"query in which {fault} is raised", deed)

    def lose_a_batch(word: str) -> bool:
        try:
            ask(life, f"{word}.faultfastpath.{WILD}", plain=True, patience=1)
        except dns.exception.Timeout:
            return led(ask(life, f"{word}.{STEERED}"))
        return False

    faults = [fault for fault in STAGES["resolver"] if fault != _SILENT]
    with ThreadPoolExecutor(16) as threads:  # most take as long as a query may
        both = threads.map(forge, KINDS), threads.map(break_in, faults)  # begun at once
        for done in both:
            list(done)
    if _SILENT in STAGES["resolver"]:
        life.traffic.send(f"query in which {_SILENT} is raised", lose_a_batch)


def asked(life: Life) -> int:
    """Count what went upstream so far."""
    sign = f"->127.0.0.1:{life.upstream.port}]>"
    return sum(sign in line for line in life.installation.lines())


def end_with_queries_in_flight(life: Life) -> None:
    """SIGTERM while the upstream hangs and nobody has answered."""

    def in_flight(word: str) -> bool:
        ask(life, f"{word}.{WILD}")
        return True

    waiting = [
        threading.Thread(target=life.traffic.send, args=("query in flight at SIGTERM", in_flight))
        for _ in range(3)
    ]
    os.kill(life.upstream.pid, signal.SIGSTOP)
    try:
        before = asked(life)
        for thread in waiting:
            thread.start()
        wait_until(lambda: asked(life) >= before + len(waiting))
        life.installation.signal(signal.SIGTERM)
        for thread in waiting:
            thread.join()
    finally:
        os.kill(life.upstream.pid, signal.SIGCONT)


def send_while_a_worker_dies(life: Life) -> None:
    """SIGABRT, which would dump its memory, in the middle of queries."""
    (worker,) = life.installation.pids("resolver")

    def deed(word: str) -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            sending.bind((life.home, 0))
            query = dns.message.make_query(f"{word}.silent.{SUFFIX}", "A").to_wire()
            sending.sendto(query, ("127.0.0.1", life.installation.dns))
        os.kill(worker, signal.SIGABRT)
        wait_until(lambda: life.installation.pids("resolver") not in ([], [worker]))
        wait_until(lambda: is_steered(life))
        return led(ask(life, f"{word}.{STEERED}"))

    life.traffic.send("worker that is aborted", deed)
