"""Sending canaries in every way that people and devices use, and counting the responses."""

import base64
import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cli.audit.canaries import Canaries
from cli.audit.report import AuditReport
from registry.dns_client import BadResponseError, DnsQuery, ask_tcp, ask_tls, ask_udp
from smartdns.contract.addresses import SocketAddress

_PATIENCE_S = 5.0
_LOCAL_OPTION = 65001  # RFC 6891 section 9: for local use


@dataclass
class Traffic:
    """Sends canaries and counts the responses."""

    report: AuditReport
    canaries: Canaries = field(default_factory=Canaries, repr=False)

    def send(self, way: str, action: Callable[[str], bool]) -> None:
        """Send one canary with `action`, which says whether the response was as expected."""
        self.report.sent[way] = self.report.sent.get(way, 0) + 1
        try:
            answered = action(self.canaries.word(way))
        except (OSError, BadResponseError, http.client.HTTPException):
            answered = False
        self.report.answered[way] = self.report.answered.get(way, 0) + answered


def send_queries(
    traffic: Traffic, server: SocketAddress, source: str, suffix: str, who: str, rcodes: set[int]
) -> None:
    """Ask for names below `suffix` over UDP and TCP with an option, and send a bad message.

    `source`: the address to send from; "": the system chooses. `rcodes`: the response codes that
    are right for `who`.
    """
    for ask, transport in ((ask_udp, "UDP"), (ask_tcp, "TCP")):
        for kind in ("A", "AAAA", "HTTPS"):

            def query(word: str, ask=ask, kind=kind) -> bool:  # type: ignore[no-untyped-def] # noqa: ANN001
                asked = _query(traffic, f"{word}.{suffix}", who, kind, word)
                return ask(asked, server, within_s=_PATIENCE_S, source=source).rcode in rcodes

            traffic.send(f"query of {who} over {transport}", query)

    def garbage(word: str) -> bool:
        broken = b"\0\1\1\0\0\1\0\0\0\0\0\0" + bytes([len(word)]) + word.encode() + b"\xc0\xff"
        return len(_datagram(broken, server, source)) == 12

    traffic.send(f"message of {who} that cannot be read", garbage)


def send_queries_over_tls(
    traffic: Traffic, server: SocketAddress, source: str, suffix: str, who: str, rcodes: set[int]
) -> None:
    """Ask over DNS over TLS, with the name also as the server name in the handshake."""
    # This machine's own resolver is asked by its address, which its certificate does not have.
    unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001

    def query(word: str) -> bool:
        name = f"{word}.{suffix}"
        asked = _query(traffic, name, who, "A", word)
        response = ask_tls(asked, server, unchecked, name, within_s=_PATIENCE_S, source=source)
        return response.rcode in rcodes

    traffic.send(f"query of {who} over TLS", query)


def _query(traffic: Traffic, name: str, who: str, kind: str, word: str) -> DnsQuery:
    made = traffic.canaries.made(name, f"name asked by {who}")
    return DnsQuery(made, kind, ((_LOCAL_OPTION, word.encode()),))


def _datagram(data: bytes, server: SocketAddress, source: str) -> bytes:
    with socket.socket(_family(server), socket.SOCK_DGRAM) as sending:
        sending.settimeout(_PATIENCE_S)
        if source:
            sending.bind((source, 0))
        sending.sendto(data, (str(server.address), server.port))
        return sending.recv(4096)


def send_to_relay_for_tls(
    traffic: Traffic, relay: SocketAddress, source: str, suffix: str, who: str
) -> None:
    """Open a connection for a name below `suffix`; the relay closes it, having no such origin."""
    traffic.send(
        f"TLS connection of {who} to the relay",
        lambda word: _closed_after(_client_hello(f"{word}.{suffix}"), relay, source),
    )


def send_to_relay_for_http(
    traffic: Traffic, relay: SocketAddress, source: str, suffix: str, who: str
) -> None:
    """Do the same with an HTTP request."""

    def host(word: str) -> bool:
        request = f"GET /{word} HTTP/1.1\r\nHost: {word}.{suffix}\r\n\r\n".encode()
        return _closed_after(request, relay, source)

    traffic.send(f"HTTP connection of {who} to the relay", host)


def _closed_after(data: bytes, relay: SocketAddress, source: str) -> bool:
    with (
        socket.create_connection(
            (str(relay.address), relay.port), _PATIENCE_S, (source, 0) if source else None
        ) as connection,
        contextlib.suppress(ConnectionError),
    ):
        connection.sendall(data)
        while connection.recv(4096):
            pass
    return True


def _client_hello(name: str) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    client = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def visit_pages(
    traffic: Traffic, page: SocketAddress, host: str, *, tls: bool, source: str = ""
) -> None:
    """Send requests as people and routers do, with canaries in every field.

    `source`: the address to send from; "": the system chooses.
    """
    bound = (source, 0) if source else None

    def visit(method: str, path: str, body: str, headers: Mapping[str, str]) -> bool:
        connection: http.client.HTTPConnection
        server = str(page.address), page.port
        if tls:
            # This machine's own page is asked by its address, which its certificate does not have.
            unchecked = ssl._create_unverified_context()  # noqa: S323, SLF001
            connection = http.client.HTTPSConnection(
                *server, timeout=_PATIENCE_S, source_address=bound, context=unchecked
            )
        else:
            connection = http.client.HTTPConnection(
                *server, timeout=_PATIENCE_S, source_address=bound
            )
        with contextlib.closing(connection):
            form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
            connection.request(method, path, body or None, {"Host": host, **form, **headers})
            return connection.getresponse().status < 500

    ways: dict[str, Callable[[str], bool]] = {
        "address of a page": lambda w: visit("GET", f"/{w}?{w}={w}", "", {}),
        "headers of a visit": lambda w: visit(
            "GET",
            "/",
            "",
            {"User-Agent": w, "Referer": f"http://{w}.test/", "Cookie": f"session={w}"},
        ),
        "form of sign-in": lambda w: visit(
            "POST", "/sign-in", f"email={w}%40example.com&password={w}", {}
        ),
        "router's update": lambda w: visit(
            "GET", f"/nic/update?hostname={w}", "", {"Authorization": _basic(w)}
        ),
        "secret link": lambda w: visit("GET", f"/update/{w}", "", {}),
    }
    family = " over IPv6" if page.address.version == 6 else ""
    for way, action in ways.items():
        traffic.send(f"{way}{family}", action)


def _basic(word: str) -> str:
    return "Basic " + base64.b64encode(f"{word}:{word}".encode()).decode()


def _family(where: SocketAddress) -> socket.AddressFamily:
    return socket.AF_INET if where.address.version == 4 else socket.AF_INET6
