"""A real BIND on loopback, authoritative for the names below and recursive for nobody else's.

It holds a root zone of its own, so a name that is not in its zones does not exist, and no
query leaves the machine.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from tests.peers.missing import require_program
from tests.peers.server_program import ServerProgram

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
house  300 A 8.8.8.8
moved  300 A 8.8.4.4
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
_SIGNED = " dnssec-policy default;"
_CONFIGURATION = """
options {{
    directory "{directory}"; pid-file "{directory}/named.pid"; session-keyfile none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion yes; allow-query {{ any; }}; allow-recursion {{ any; }};
    minimal-responses no; dnssec-validation no; empty-zones-enable no; notify no;
    tcp-clients 200;
}};
controls {{ }};
logging {{ category default {{ null; }}; category lame-servers {{ null; }}; {logging} }};
"""
_NOTE_QUERIES = 'channel asked { file "queries"; }; category queries { asked; };'


class NameServer(ServerProgram):
    """One `named`; it may be stopped, frozen, thawed and started again on the same port."""

    ready_name = "www.example.com"

    def __init__(
        self,
        directory: Path,
        zones: Mapping[str, str] = ZONES,
        signed: Collection[str] = (),
        *,
        notes_queries: bool = False,
    ) -> None:
        """Serve `zones`, those of `signed` with signatures."""
        super().__init__(directory)
        self.zones = zones
        self._signed = signed
        self._logging = _NOTE_QUERIES if notes_queries else ""

    def times_asked(self, name: str) -> int:
        """Count the queries for a name, in whatever case; it must note them."""
        noted = (self.directory / "queries").read_text().lower()
        return noted.count(f"query: {name} ")

    def arguments(self) -> list[str]:
        """Zones and options are in files."""
        configuration = _CONFIGURATION.format(
            directory=self.directory, port=self.port, logging=self._logging
        )
        for number, (origin, content) in enumerate(self.zones.items()):
            file = self.directory / f"zone{number}"
            file.write_text(content.strip() + "\n")
            more = _UPDATES + (_SIGNED if origin in self._signed else "")
            configuration += f'zone "{origin}" {{ type primary; file "{file}"; {more} }};\n'
        file = self.directory / "named.conf"
        file.write_text(configuration)
        return [require_program("named", "bind9"), "-f", "-n", "1", "-c", str(file)]
