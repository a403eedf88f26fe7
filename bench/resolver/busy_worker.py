"""A resolver's worker whose reactor has 5 ms of other work every 20 ms: what that does to replies.

python -m bench.resolver.busy_worker       settings from the environment, as for the product
"""

import socket
import time

from smartdns.contract.configuration import load_configuration
from smartdns.process.event_loop import install_reactor

EVERY_S, WORK_S = 0.020, 0.005


def main() -> None:
    """Serve until ended."""
    reactor = install_reactor()
    from twisted.internet.task import LoopingCall  # noqa: PLC0415 - needs the reactor installed

    from smartdns.process.sockets import bind, by_name  # noqa: PLC0415
    from smartdns.roles.resolver_role import resolver_service  # noqa: PLC0415
    from smartdns.settings import read_settings  # noqa: PLC0415

    settings = read_settings(load_configuration())
    sockets = [
        bound
        for where in settings.dns_listen
        for name, kind in (("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM))
        for bound in bind(name, kind, where)
    ]
    service = resolver_service(settings)
    reactor.callWhenRunning(service.startService)
    reactor.callWhenRunning(service.open, by_name(sockets))
    reactor.callWhenRunning(LoopingCall(_work).start, EVERY_S)
    reactor.run()


def _work() -> None:
    until = time.monotonic() + WORK_S
    while time.monotonic() < until:
        pass


if __name__ == "__main__":
    main()
