"""A real unbound on loopback that forwards everything to a port of ours, as a Pi-hole may."""

import subprocess
import tempfile
import time
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from tests.peers.missing import require_program
from tests.peers.ports import free_port

_CONFIGURATION = """
server:
    interface: 127.0.0.1
    port: {port}
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: ""
    use-syslog: no
    verbosity: 0
    num-threads: 1
    do-not-query-localhost: no
    module-config: "iterator"
    local-data: "ready.example. A 192.0.2.1"
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{forwards_to}
"""


class Unbound:
    """One forwarder."""

    def __init__(self, forwards_to: int) -> None:
        self.port = free_port()
        self._forwards_to = forwards_to
        self._directory = tempfile.TemporaryDirectory()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers what it knows by itself."""
        file = Path(self._directory.name) / "unbound.conf"
        file.write_text(
            _CONFIGURATION.format(
                port=self.port, directory=self._directory.name, forwards_to=self._forwards_to
            )
        )
        self._process = subprocess.Popen(
            [require_program("unbound", "unbound"), "-d", "-c", str(file)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        query = dns.message.make_query("ready.example", "A")
        for _ in range(250):
            try:
                dns.query.udp(query, "127.0.0.1", port=self.port, timeout=0.2)
            except (OSError, dns.exception.DNSException):
                time.sleep(0.02)
            else:
                return
        self.kill()
        raise RuntimeError("unbound does not answer")

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._directory.cleanup()
