"""A real dnsmasq on loopback, as many a router runs it, forwarding to a port of ours."""

import subprocess
import time

import dns.exception
import dns.message
import dns.query

from tests.peers.missing import require_program
from tests.peers.ports import free_port


class Dnsmasq:
    """One router."""

    def __init__(self, forwards_to: int) -> None:
        self.port = free_port()
        self._forwards_to = forwards_to
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers what it knows by itself."""
        self._process = subprocess.Popen(
            [
                require_program("dnsmasq", "dnsmasq-base"), "--keep-in-foreground", "--conf-file=",
                "--no-resolv", "--no-hosts", "--user=root", "--pid-file=", "--cache-size=0",
                "--bind-interfaces", "--listen-address=127.0.0.1", f"--port={self.port}",
                f"--server=127.0.0.1#{self._forwards_to}", "--address=/ready.example/192.0.2.1",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        query = dns.message.make_query("ready.example", "A")
        for _ in range(250):
            try:
                dns.query.udp(query, "127.0.0.1", port=self.port, timeout=0.2)
            except (OSError, dns.exception.DNSException):
                time.sleep(0.02)
            else:
                return
        self.kill()
        raise RuntimeError("dnsmasq does not answer")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
