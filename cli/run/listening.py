"""The sockets of each role: bound as the settings say, or received from systemd."""

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from smartdns.contract.addresses import Address, SocketAddress
from smartdns.contract.configuration import SettingError
from smartdns.process.socket_by_source import pick_by_source
from smartdns.process.sockets import NamedSocket, bind

if TYPE_CHECKING:
    from registry.settings import RegistrySettings
    from smartdns.settings import DataPlaneSettings

SetsOfSockets = list[list[NamedSocket]]

NAMES = {
    "resolver": {"udp", "tcp", "tls"},
    "relay": {"relay-tls", "relay-http"},
    "registry": {"web", "check"},
}


def sockets_of_resolver(settings: "DataPlaneSettings") -> SetsOfSockets:
    """Bind DNS over UDP and TCP, and over TLS if there is a certificate; a set for each worker."""
    return _bound(
        [
            *(("udp", socket.SOCK_DGRAM, where) for where in settings.dns_listen),
            *(("tcp", socket.SOCK_STREAM, where) for where in settings.dns_listen),
            *(("tls", socket.SOCK_STREAM, where) for where in settings.dns_tls_listen),
        ],
        settings.workers,
    )


def sockets_of_relay(settings: "DataPlaneSettings") -> SetsOfSockets:
    """Bind the ports for TLS and HTTP of streaming services; a set for each worker."""
    return _bound(
        [
            *(("relay-tls", socket.SOCK_STREAM, where) for where in settings.relay_tls_listen),
            *(("relay-http", socket.SOCK_STREAM, where) for where in settings.relay_http_listen),
        ],
        settings.workers,
        listen=False,  # the port accepts connections only when a worker can serve them
    )


def sockets_of_registry(settings: "RegistrySettings") -> SetsOfSockets:
    """Bind the ports of the pages and of the check's picture, for the single worker."""
    return _bound(
        [
            *(("web", socket.SOCK_STREAM, where) for where in settings.web_listen),
            *(("check", socket.SOCK_STREAM, where) for where in settings.check_listen),
        ],
        1,
    )


def is_spread(sets: Iterable[Iterable[NamedSocket]]) -> bool:
    """Say whether the queries of one household can reach any of several workers."""
    return any(each.spread for sockets in sets for each in sockets)


def check_origin(of_registry: SetsOfSockets) -> str | None:
    """Give where a relay on this machine reaches the picture; None if it is not served."""
    for each in (each for sockets in of_registry for each in sockets if each.name == "check"):
        host, port = each.socket.getsockname()[:2]
        return str(SocketAddress(_reachable(ipaddress.ip_address(host)), port))
    return None


def _reachable(address: Address) -> Address:
    if not address.is_unspecified:
        return address
    return ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")


def _bound(
    wanted: Iterable[tuple[str, socket.SocketKind, SocketAddress]],
    workers: int,
    *,
    listen: bool = True,
) -> SetsOfSockets:
    sets: SetsOfSockets = [[] for _ in range(workers)]
    try:
        for name, kind, where in wanted:
            bound = bind(name, kind, where, workers, listen=listen)
            for each, sockets in zip(bound, sets, strict=True):
                sockets.append(each)
    except Exception:
        close(sets)
        raise
    return sets


def activated(role: str, given: Sequence[NamedSocket], workers: int) -> SetsOfSockets:
    """Give the sockets that systemd has bound for this role to its workers; [] if there are none.

    If each address has as many sockets as there are workers, each worker gets one, chosen by the
    client's address. Otherwise every worker gets all of them. Raises SettingError if a resolver's
    socket accepts both IPv4 and IPv6, as systemd's sockets do by default.
    """
    ours = [each for each in given if each.name in NAMES[role]]
    for each in ours:
        if role == "resolver" and _accepts_both(each.socket):
            raise SettingError(
                f"{each.url()}: this socket also accepts IPv4, and IPv4 clients would be "
                "refused; set BindIPv6Only=ipv6-only and add a socket for 0.0.0.0"
            )
    groups = _by_port(ours)
    if workers > 1 and all(
        len(group) == workers and pick_by_source([each.socket for each in group])
        for group in groups
    ):
        return [list(each) for each in zip(*groups, strict=True)]
    shared = [replace(each, spread=workers > 1) for each in ours]
    return [shared] * workers if shared else []


def _by_port(sockets: Iterable[NamedSocket]) -> list[list[NamedSocket]]:
    """Group the sockets by protocol, address and port, in the order in which they were bound."""
    groups: dict[tuple[object, ...], list[NamedSocket]] = {}
    for each in sockets:
        port = (each.name, each.socket.type, each.socket.getsockname())
        groups.setdefault(port, []).append(each)
    return list(groups.values())


def _accepts_both(bound: socket.socket) -> bool:
    return bound.family == socket.AF_INET6 and not bound.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    )


def close(sets: SetsOfSockets) -> None:
    """Close every socket."""
    for sockets in sets:
        for each in sockets:
            each.socket.close()
