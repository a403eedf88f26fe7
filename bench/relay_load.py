"""Clients of the benchmark: they send a real ClientHello and read what comes back.

    python -m bench.relay_load bulk PORT CONNECTIONS OCTETS     seconds
    python -m bench.relay_load quick PORT AT_ONCE COUNT         seconds
    python -m bench.relay_load first COUNT PORT...              milliseconds to the first octet
    python -m bench.relay_load idle PORT COUNT                  "ready", then waits for its input

The answer is one line on standard output.
"""

import contextlib
import select
import socket
import ssl
import statistics
import sys
import time
from collections.abc import Callable

from bench.relay_origin import FLIGHT, TICKET

DOMAIN = "film.example"
_DISCARDED = bytearray(4 << 20)


def client_hello(label: str) -> bytes:
    """Give what OpenSSL sends first, for a name below `DOMAIN`."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    name = f"{label}.{DOMAIN}"
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def connect(port: int) -> socket.socket:
    """Connect at once; it is loopback."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def bulk(port: int, connections: int, octets: int) -> float:
    """Fetch `octets` over each of so many connections; seconds."""
    hello = client_hello(f"bulk-{octets}")
    poll = select.epoll()
    clients: dict[int, tuple[socket.socket, list[int]]] = {}
    begin = time.perf_counter()
    for _ in range(connections):
        client = connect(port)
        client.sendall(hello)
        client.setblocking(False)
        clients[client.fileno()] = (client, [0])
        poll.register(client, select.EPOLLIN)
    while clients:
        for descriptor, _ in poll.poll():
            client, received = clients[descriptor]
            # On TCP, MSG_TRUNC takes octets without copying them.
            count = client.recv_into(_DISCARDED, 0, socket.MSG_TRUNC)
            received[0] += count
            if not count:
                if received[0] != octets:
                    raise SystemExit(f"{received[0]} octets came instead of {octets}")
                client.close()
                del clients[descriptor]
    return time.perf_counter() - begin


def quick(port: int, at_once: int, count: int) -> float:
    """Open `count` connections, each with the turns of a TLS 1.3 handshake; seconds."""
    hello = client_hello("quick")
    poll = select.epoll()
    clients: dict[int, tuple[socket.socket, list[int]]] = {}
    opened = closed = 0

    def open_one() -> None:
        client = socket.socket()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect(("127.0.0.1", port))
        client.send(hello)
        client.setblocking(False)
        clients[client.fileno()] = (client, [len(FLIGHT), len(TICKET)])
        poll.register(client, select.EPOLLIN)

    begin = time.perf_counter()
    while closed < count:
        while opened < count and len(clients) < at_once:
            open_one()
            opened += 1
        for descriptor, _ in poll.poll():
            client, awaited = clients[descriptor]
            awaited[0] -= (came := len(client.recv(65_536)))
            if not came:
                raise SystemExit("a connection ended early")
            if not awaited[0]:
                awaited.pop(0)
                if awaited:
                    client.send(bytes(200))
                else:
                    client.close()
                    del clients[descriptor]
                    closed += 1
    return time.perf_counter() - begin


def first(count: int, *ports: int) -> str:
    """Median milliseconds from the beginning of a connection to the origin's first octet.

    The ports take turns, connection by connection, so that all meet the same conditions.
    """
    hello = client_hello("quick")
    times: dict[int, list[float]] = {port: [] for port in ports}
    for _ in range(count):
        for port in ports:
            begin = time.perf_counter()
            with connect(port) as client:
                client.sendall(hello)
                client.recv(1)
                times[port].append((time.perf_counter() - begin) * 1e3)
    return " ".join(str(statistics.median(times[port])) for port in ports)


def idle(port: int, count: int) -> str:
    """Open `count` connections that have all been answered, and keep them."""
    hello = client_hello("idle")
    clients = []
    for _ in range(count):
        client = connect(port)
        client.sendall(hello)
        clients.append(client)
        if len(clients) % 100 == 0:
            for one in clients[-100:]:
                one.recv(65_536)
    print("ready", flush=True)
    sys.stdin.read()
    return ""


LOADS: dict[str, Callable[..., object]] = {
    "bulk": bulk, "quick": quick, "first": first, "idle": idle,
}  # fmt: skip

if __name__ == "__main__":
    print(LOADS[sys.argv[1]](*map(int, sys.argv[2:])), flush=True)
