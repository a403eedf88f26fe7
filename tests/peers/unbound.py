"""A real unbound on loopback that forwards everything to a port: a Pi-hole, a validator, DoT."""

from collections.abc import Sequence

from tests.peers.certificates import CertificatePair
from tests.peers.missing import require_program
from tests.peers.ports import free_port
from tests.peers.server_program import ServerProgram

_CONFIGURATION = """
server:
    interface: {host}@{port}
    username: ""
    chroot: ""
    directory: "{directory}"
    pidfile: ""
    use-syslog: no
    verbosity: 0
    num-threads: 1
    do-not-query-localhost: no
    module-config: "{modules}"
    local-data: "{ready_name}. A 192.0.2.1"
    ede: yes
    {more}
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{forwards_to}
"""


class Unbound(ServerProgram):
    """One forwarder."""

    def __init__(self, forwards_to: int, *more: str, trust_anchors: Sequence[str] = ()) -> None:
        """`more` are lines of the server's options; with trust anchors it validates."""
        super().__init__()
        self._forwards_to = forwards_to
        self._modules = "validator iterator" if trust_anchors else "iterator"
        self._more = [*more, *(f'trust-anchor: "{anchor}"' for anchor in trust_anchors)]

    def over_tls(self, pair: CertificatePair) -> int:
        """Listen for TLS as well, from the next start on; gives the port."""
        port = free_port()
        self._more += [
            f"interface: {self.host}@{port}",
            f"tls-port: {port}",
            f'tls-service-key: "{pair.key}"',
            f'tls-service-pem: "{pair.certificate}"',
        ]
        return port

    def arguments(self) -> list[str]:
        """Everything is in a file."""
        file = self.directory / "unbound.conf"
        file.write_text(
            _CONFIGURATION.format(
                **vars(self),
                ready_name=self.ready_name,
                modules=self._modules,
                forwards_to=self._forwards_to,
                more="\n    ".join(self._more),
            )
        )
        return [require_program("unbound", "unbound"), "-d", "-c", str(file)]
