"""A real BIND on loopback, authoritative for the names below and recursive for nobody else's.

It holds a root zone of its own, so a name that is not in its zones does not exist, and no
query leaves the machine.
"""

import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from tests.peers.missing import require_program
from tests.peers.ports import free_port

_BIG = "\n".join(f'big   300 TXT "{number:04d} {"x" * 200}"' for number in range(10))
_HUGE = "\n".join(f'huge  300 TXT "{number:04d} {"y" * 250}"' for number in range(60))
_CHAIN = "\n".join(f"chain{number} 300 CNAME chain{number + 1}" for number in range(14))

ZONES = {
    ".": """
@  300 SOA ns root.ns 1 3600 600 86400 60
@  300 NS ns
ns 300 A 127.0.0.1
""",
    "example.com": f"""
@      300 SOA ns hostmaster 1 3600 600 86400 60
@      300 NS ns
@      300 MX 10 mail
@      300 TXT "plain text"
ns     300 A 192.0.2.53
mail   300 A 192.0.2.25
www    300 A 198.51.100.1
www    300 AAAA 2001:db8::1
www    300 HTTPS 1 . alpn=h2,h3
many   300 A 198.51.100.10
many   300 A 198.51.100.11
many   300 A 198.51.100.12
alias  300 CNAME second
second 200 CNAME third
third  100 CNAME www
broken 300 CNAME nowhere
away   300 CNAME www.example.net.
tree   300 DNAME example.net.
odd    300 TYPE65280 \\# 4 01020304
brief  1   A 198.51.100.2
zero   0   A 198.51.100.3
home   300 A 192.168.1.5
*.wild 300 A 198.51.100.4
{_CHAIN}
chain14 300 A 198.51.100.5
{_BIG}
{_HUGE}
""",
    "example.net": """
@      300 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 2
@      300 NS ns.example.com.
www    300 A 198.51.100.20
""",
}

_UPDATES = "allow-update { 127.0.0.1; };"
_CONFIGURATION = """
options {{
    directory "{directory}"; pid-file "{directory}/named.pid"; session-keyfile none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion yes; allow-query {{ any; }}; allow-recursion {{ any; }};
    minimal-responses no; dnssec-validation no; empty-zones-enable no; notify no;
    tcp-clients 200;
}};
controls {{ }};
logging {{ category default {{ null; }}; category lame-servers {{ null; }}; }};
"""


class NameServer:
    """One `named`; it may be stopped, frozen, thawed and started again on the same port."""

    def __init__(self, directory: Path, zones: Mapping[str, str] = ZONES) -> None:
        self.directory = directory
        self.zones = zones
        self.host, self.port = "127.0.0.1", free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it answers."""
        named = require_program("named", "bind9")
        configuration = _CONFIGURATION.format(directory=self.directory, port=self.port)
        for number, (origin, content) in enumerate(self.zones.items()):
            file = self.directory / f"zone{number}"
            file.write_text(content.strip() + "\n")
            configuration += f'zone "{origin}" {{ type primary; file "{file}"; {_UPDATES} }};\n'
        (self.directory / "named.conf").write_text(configuration)
        self._process = subprocess.Popen(
            [named, "-g", "-n", "1", "-c", str(self.directory / "named.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(self.directory)},
        )
        for _ in range(500):
            if self._answers():
                return
            time.sleep(0.02)
        self.kill()
        raise RuntimeError("named does not answer")

    def kill(self) -> None:
        """SIGKILL: the port is closed from now on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        query = dns.message.make_query("www.example.com", "A")
        try:
            reply = dns.query.udp(query, self.host, port=self.port, timeout=0.2)
        except (OSError, dns.exception.DNSException):
            return False
        return bool(reply.answer)
