"""Twisted's own port forwarder, which looks at nothing: what a plain Twisted relay costs.

python -m bench.relay_portforward PORT ORIGIN_PORT
"""

import sys

from smartdns.process.event_loop import install_reactor

install_reactor()

from twisted.internet import reactor  # noqa: E402 - not before it is installed
from twisted.protocols.portforward import ProxyFactory  # noqa: E402


def run(port: int, origin_port: int) -> None:
    """Forward until killed."""
    factory = ProxyFactory("127.0.0.1", origin_port)
    factory.noisy = False
    reactor.listenTCP(
        port,
        factory,  # type: ignore[arg-type]
        backlog=4096,
        interface="127.0.0.1",
    )
    reactor.run()


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]))
