"""A device in a household: what its browser opens is looked up at its DNS servers, as on a TV.

A forward proxy for chromium, which itself would ask this machine's resolver. It connects from the
household's address; the relay's ports 80 and 443 are wherever the test has them. TLS goes through
untouched.
"""

import contextlib
import http.client
import ipaddress
import itertools
import socket
import threading
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.query


class HouseholdDevice:
    """`servers`: (address, port) of the DNS servers, used in turn as many devices do."""

    def __init__(self, ports: Mapping[int, int]) -> None:
        self.source = "127.0.0.1"
        self.servers: Sequence[tuple[str, int]] = ()
        self.hosts: dict[str, str] = {}  # known without asking
        self._ports = ports
        self._turns = itertools.count()
        self._proxy = ThreadingHTTPServer(("127.0.0.1", 0), _Forwarding)
        self._proxy.daemon_threads = True
        self._proxy.device = self  # type: ignore[attr-defined]
        threading.Thread(target=self._proxy.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def browser_arguments(self) -> tuple[str, ...]:
        """Let a chromium use this device's network for everything."""
        port = self._proxy.server_address[1]
        return (f"--proxy-server=http://127.0.0.1:{port}", "--proxy-bypass-list=<-loopback>")

    def close(self) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()

    def look_up(self, host: str) -> str | None:
        """Give an IPv4 address of a name, or None where there is none for this device."""
        if host in self.hosts:
            return self.hosts[host]
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            pass
        address, port = self.servers[next(self._turns) % len(self.servers)]
        query = dns.message.make_query(host, "A")
        try:
            said = dns.query.udp(query, address, timeout=60, port=port, source=self.source)
        except (dns.exception.DNSException, OSError):
            return None
        return next((str(record) for rrset in said.answer for record in rrset), None)

    def connect(self, host: str, port: int) -> http.client.HTTPConnection | None:
        """Give a connection that is yet to be opened, or None where the name leads nowhere."""
        address = self.look_up(host)
        if address is None:
            return None
        return http.client.HTTPConnection(
            address, self._ports.get(port, port), timeout=60, source_address=(self.source, 0)
        )

    def open_tunnel(self, host: str, port: int) -> socket.socket | None:
        """Give a connection for TLS, or None where the name leads nowhere."""
        address = self.look_up(host)
        if address is None:
            return None
        where = (address, self._ports.get(port, port))
        try:
            return socket.create_connection(where, 10, source_address=(self.source, 0))
        except OSError:
            return None


class _Forwarding(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._forward(None)

    def do_POST(self) -> None:
        self._forward(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def do_CONNECT(self) -> None:
        device: HouseholdDevice = self.server.device  # type: ignore[attr-defined]
        host, _, port = self.path.rpartition(":")
        tunnel = device.open_tunnel(host, int(port))
        if tunnel is None:
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        with tunnel:
            back = threading.Thread(target=_pass_on, args=(tunnel, self.connection), daemon=True)
            back.start()
            _pass_on(self.connection, tunnel)
            back.join(10)
        self.close_connection = True

    def _forward(self, body: bytes | None) -> None:
        device: HouseholdDevice = self.server.device  # type: ignore[attr-defined]
        url = urlsplit(self.path)
        connection = device.connect(url.hostname or "", url.port or 80)
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        headers = {**dict(self.headers.items()), "Connection": "close"}
        headers.pop("Proxy-Connection", None)
        if connection is None:
            self.send_error(502)
            return
        try:
            connection.request(self.command, path, body, headers)
            reply = connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException):
            self.send_error(502)
            return
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in {"transfer-encoding", "connection", "content-length", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Pass on until either ends."""
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            target.sendall(octets)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
