"""Our relay for the benchmark: the product's service with its real mirror and catalogue.

The mirror holds 100,000 networks, as HAProxy and the others hold none: they let everybody in.

    python -m bench.relay_ours PORT ORIGIN_PORT
"""

import ipaddress
import socket
import sys

from smartdns.process.event_loop import install_reactor, loop_of

install_reactor()

from twisted.internet import reactor  # noqa: E402 - not before it is installed
from twisted.internet.defer import Deferred, succeed  # noqa: E402

from bench.relay_load import DOMAIN  # noqa: E402
from smartdns.allowlist.grant_table import GrantTable  # noqa: E402
from smartdns.allowlist.mirror import Mirror  # noqa: E402
from smartdns.answering.query import Name  # noqa: E402
from smartdns.contract.addresses import SocketAddress  # noqa: E402
from smartdns.contract.grants import Head  # noqa: E402
from smartdns.process.sockets import bind  # noqa: E402
from smartdns.relay.admission import Admission, OriginRules, RelayLimits  # noqa: E402
from smartdns.relay.listener import Listening, tls_port  # noqa: E402
from smartdns.relay.origins import Origins  # noqa: E402
from smartdns.relay.service import RelayService  # noqa: E402
from smartdns.upstream.egress import ORDINARY  # noqa: E402
from smartdns.upstream.look_up import Resolved  # noqa: E402
from smartdns.wire.host_name import parse_host_name  # noqa: E402
from zones.catalog import Catalog, Service  # noqa: E402

NETWORKS = 100_000


def mirror() -> Mirror:
    """Give an allowlist of loopback and many others."""
    grants = GrantTable()
    for number in range(NETWORKS):
        grants.put((0x0B000000 + number * 17).to_bytes(4), 32, b"region=us")
    grants.put(b"\x7f\x00\x00\x01", 32, b"region=us")
    made = Mirror()
    made.replace(Head(1, 1), grants, 0.0)
    return made


def catalog() -> Catalog:
    """Give a catalogue that holds the benchmark's domain."""
    domain = parse_host_name(DOMAIN.encode()) or b""
    service = Service("film", "Film", ("us",), suffixes=(DOMAIN,))
    return Catalog({"film": service}, {}, {domain: service}, {}, frozenset())


def look_up(_name: Name) -> "Deferred[Resolved | None]":
    """Answer without a name server: none of the others asks one."""
    return succeed(Resolved((b"\x7f\x00\x00\x01",), 60.0))


def run(port: int, origin_port: int) -> None:
    """Relay until killed."""
    where = SocketAddress(ipaddress.IPv4Address("127.0.0.1"), port)
    bound = bind("relay-tls", socket.SOCK_STREAM, where)[0].socket
    rules = OriginRules(listening=frozenset({where}), private_allowed=True)
    limits = RelayLimits(connections_per_client=20_000)
    RelayService(
        loop_of(reactor),
        Admission(mirror(), catalog(), {"us": ORDINARY}, ("us",), limits=limits),
        {"us": Origins(look_up, rules, reactor.seconds)},
        [Listening(bound, tls_port(origin_port))],
    ).startService()
    reactor.run()


if __name__ == "__main__":
    run(int(sys.argv[1]), int(sys.argv[2]))
