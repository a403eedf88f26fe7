"""`python -m tests.peers.registry_process`: the registry's service on one port of loopback.

Reads MEDIASTREAMER_… as the product does; listens where MEDIASTREAMER_WEB_LISTEN says and prints
"Ready" when it does. A host name that somebody wants followed is asked of the name server on
loopback at NAME_SERVER_PORT, if that is set, instead of the system's. REAL_HASHES: passwords are
hashed at the product's price.
"""

import os
import socket
import sys
from unittest import mock

from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.configuration import load_configuration
from smartdns.process.event_loop import install_reactor
from smartdns.process.sockets import bind, by_name

install_reactor()

from twisted.internet import reactor

from registry.database.schema import upgrade
from registry.service import registry_service
from registry.settings import read_settings
from tests.peers.cheap_hashes import cheap_hashes


def main() -> None:
    """Serve until SIGTERM."""
    if port := os.environ.get("NAME_SERVER_PORT"):
        ours = parse_socket_address(f"127.0.0.1:{port}")
        mock.patch("registry.web.pages.updaters.system_name_servers", return_value=[ours]).start()
    if not os.environ.get("REAL_HASHES"):
        cheap_hashes()
    settings = read_settings(load_configuration())
    upgrade(settings.database_url)
    wanted = {"web": settings.web_listen, "check": settings.check_listen}
    sockets = [
        each
        for name, listen in wanted.items()
        for where in listen
        for each in bind(name, socket.SOCK_STREAM, where)
    ]
    service = registry_service(settings)
    reactor.callWhenRunning(service.startService)
    reactor.callWhenRunning(service.open, by_name(sockets))
    reactor.callWhenRunning(lambda: sys.stdout.write("Ready\n") and sys.stdout.flush())
    reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
    reactor.run()


main()
