"""A real dnsmasq on loopback, as many a router runs it, forwarding to a port of ours."""

from tests.peers.missing import require_program
from tests.peers.server_program import ServerProgram


class Dnsmasq(ServerProgram):
    """One router."""

    def __init__(self, forwards_to: int) -> None:
        super().__init__()
        self._forwards_to = forwards_to

    def arguments(self) -> list[str]:
        """Everything is in the command line."""
        return [
            require_program("dnsmasq", "dnsmasq-base"), "--keep-in-foreground", "--conf-file=",
            "--no-resolv", "--no-hosts", "--user=root", "--pid-file=", "--cache-size=0",
            "--bind-interfaces", f"--listen-address={self.host}", f"--port={self.port}",
            f"--server=127.0.0.1#{self._forwards_to}", f"--address=/{self.ready_name}/192.0.2.1",
        ]  # fmt: skip
