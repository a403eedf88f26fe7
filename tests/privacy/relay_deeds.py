"""Canaries on every way through the relay."""

import contextlib
import http.client
import resource
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from cli.audit.traffic import send_to_relay_for_http, send_to_relay_for_tls
from smartdns.contract.addresses import parse_socket_address
from tests.peers.client_hello import real_client_hello
from tests.privacy.dns_deeds import ask, led
from tests.privacy.faults.sitecustomize import STAGES
from tests.privacy.life import ABROAD, FILM, STEERED, Life

_TLS = {"HelloFault", "LookUpFault", "OriginFault"}


def send_through_the_relay(life: Life) -> None:
    """Films to their end and cut short, names that lead nowhere, a stranger, exceptions."""
    here = life.installation
    tls = parse_socket_address(f"127.0.0.1:{here.tls}")
    http_port = parse_socket_address(f"127.0.0.1:{here.http}")
    stranger = life.traffic.canaries.address("address of a stranger at the relay")
    for source, who in ((life.home, "a household"), (stranger, "a stranger")):
        send_to_relay_for_tls(life.traffic, tls, source, STEERED, who)
        send_to_relay_for_http(life.traffic, http_port, source, STEERED, who)
    for _ in range(2):  # the second finds the origin's address remembered
        life.traffic.send("film over TLS", lambda w: fetch(life, w, tls=True) == life.film)
        life.traffic.send("film over HTTP", lambda w: fetch(life, w, tls=False) == life.film)
    for tls_too in (True, False):

        def abroad(word: str, tls_too: bool = tls_too) -> bool:
            return fetch(life, word, tls=tls_too, suffix=ABROAD) == life.film

        life.traffic.send("film of another region, by its exit and its upstreams", abroad)
    life.traffic.send("film that is cut short", lambda word: cut_short(life, word))
    life.traffic.send("ClientHello in pieces", lambda word: in_pieces(life, word))
    for fault, (_, _, stage) in STAGES["relay"].items():

        def deed(word: str, fault: str = fault, stage: bytes = stage) -> bool:
            host = f"{word}.fault{stage.decode()}.{FILM}"
            return not says_anything(life, host, tls=fault in _TLS) and is_served(life)

        life.traffic.send(f"connection in which {fault} is raised", deed)


def connect(life: Life, *, tls: bool) -> socket.socket:
    """Connect to the relay from the household's address."""
    port = life.installation.tls if tls else life.installation.http
    return socket.create_connection(("127.0.0.1", port), 15, (life.home, 0))


def fetch(life: Life, word: str, *, tls: bool, suffix: str = FILM) -> bytes:
    """Fetch the film as a device does, with the canary in host name, path and a header."""
    host = life.traffic.canaries.made(f"{word}.{suffix}", "host of a relayed connection")
    with contextlib.ExitStack() as opened:
        connection = opened.enter_context(connect(life, tls=tls))
        if tls:
            context = ssl._create_unverified_context()  # noqa: S323
            connection = opened.enter_context(context.wrap_socket(connection, server_hostname=host))
        client = http.client.HTTPConnection(host)
        client.sock = connection
        client.request("GET", f"/film?{word}", headers={"User-Agent": word})
        return client.getresponse().read()


def is_served(life: Life) -> bool:
    """Say whether the relay goes on."""
    return fetch(life, "www", tls=False) == life.film


def says_anything(life: Life, host: str, *, tls: bool) -> bytes:
    """Open a connection for a host that comes to nothing; give what comes back."""
    head = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with connect(life, tls=tls) as connection, contextlib.suppress(OSError):
        connection.settimeout(0.5)
        connection.sendall(real_client_hello(host) if tls else head)
        return connection.recv(100)
    return b""


def cut_short(life: Life, word: str) -> bool:
    """Leave in the middle, by a reset."""
    head = f"GET /film?{word} HTTP/1.1\r\nHost: {word}.{FILM}\r\n\r\n".encode()
    with connect(life, tls=False) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.sendall(head)
        return bool(connection.recv(100))


def in_pieces(life: Life, word: str) -> bool:
    """An octet at a time at first."""
    hello = real_client_hello(f"{word}.{FILM}")
    with connect(life, tls=True) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in hello[:40]:
            connection.sendall(bytes([octet]))
        connection.sendall(hello[40:])
        return connection.recv(1) == b"\x16"


@contextlib.contextmanager
def _few_descriptors(pid: int) -> Iterator[None]:
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = max(int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 2, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def send_without_descriptors(life: Life) -> None:
    """Resolver and relay have none left: datagrams go on, what else comes to nothing."""
    (resolver,), (relay,) = (life.installation.pids(role) for role in ("resolver", "relay"))
    with contextlib.ExitStack() as opened:
        opened.enter_context(_few_descriptors(resolver))
        opened.enter_context(_few_descriptors(relay))
        for port in (life.installation.dns, life.installation.http):
            for _ in range(10):
                idle = opened.enter_context(socket.socket())
                idle.bind((life.home, 0))
                idle.settimeout(60)
                idle.connect(("127.0.0.1", port))

        def steered(word: str) -> bool:
            return led(ask(life, f"{word}.{STEERED}"))

        def forwarded(word: str) -> bool:
            return ask(life, f"{word}.wild.example.com").rcode() in {0, 2}

        def relayed(word: str) -> bool:
            return says_anything(life, f"{word}.{FILM}", tls=True) == b""

        life.traffic.send("query while no descriptor is left", steered)
        life.traffic.send("query to forward while no descriptor is left", forwarded)
        life.traffic.send("connection while no descriptor is left", relayed)
    life.traffic.send("film once there are descriptors again", lambda w: film(life, w))


def film(life: Life, word: str) -> bool:
    """Say whether the film comes, over TLS."""
    return fetch(life, word, tls=True) == life.film
