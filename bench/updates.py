"""Unchanged updates a second: what a router sends every few minutes, most of it no change.

    python -m bench.updates [SECONDS]

A registry of its own on one core, its clients on another, over kept connections of loopback. CPU
time for each request is what counts; the rate is what this machine, busy as it is, made of it.
"""

import base64
import os
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from registry.actions.updaters.tokens import issue_token
from registry.database.schema import upgrade
from tests.peers.registry_server import RegistryServer

CONNECTIONS = 8


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/registry.sqlite"
        upgrade(url)
        server = RegistryServer(url, Path(folder))
        server.start()
        try:
            measure(server, request(server), seconds)
        finally:
            server.stop()


def request(server: RegistryServer) -> bytes:
    """A request of a new account's router."""
    account = server.add_account("bench@example.com")
    with server.sessions.begin() as session:
        token = issue_token(session, account, limit=5).token
    secret = base64.b64encode(f"router:{token}".encode()).decode()
    return (
        f"GET /nic/update?hostname=home.example.com&myip=203.0.113.9 HTTP/1.1\r\n"
        f"Host: 127.0.0.1\r\nAuthorization: Basic {secret}\r\n\r\n"
    ).encode()


def measure(server: RegistryServer, sent: bytes, seconds: float) -> None:
    """Keep the server busy on one core and print what it did."""
    cores = sorted(os.sched_getaffinity(0))
    _pin(server.pid, cores[0])
    os.sched_setaffinity(0, {cores[-1]})
    counts = [0] * CONNECTIONS
    stop = time.monotonic() + seconds
    threads = [
        threading.Thread(target=ask, args=(server.port, sent, stop, counts, number))
        for number in range(CONNECTIONS)
    ]
    before = cpu_seconds(server.pid)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    used = cpu_seconds(server.pid) - before
    total = sum(counts)
    print(f"{total / seconds:.0f} unchanged updates a second on one core of this machine")
    print(
        f"{used / total * 1e6:.0f} µs of CPU each: {total / used:.0f} a second on a core of its own"
    )


def ask(port: int, sent: bytes, stop: float, counts: list[int], number: int) -> None:
    """Send one request after another over one connection."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.monotonic() < stop:
            connection.sendall(sent)
            reply = connection.recv(65536)
            while b"\r\n\r\n" not in reply or not reply.endswith(b"\n"):
                reply += connection.recv(65536)
            assert b"200 OK" in reply, reply  # noqa: S101
            counts[number] += 1


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all threads (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pin(pid: int, core: int) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


if __name__ == "__main__":
    main()
