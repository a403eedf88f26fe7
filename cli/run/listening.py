"""The sockets of each role: bound from settings, or handed over by systemd."""

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
    """DNS over UDP and TCP, and over TLS where there is a certificate."""
    return _bound(
        [
            *(("udp", socket.SOCK_DGRAM, where) for where in settings.dns_listen),
            *(("tcp", socket.SOCK_STREAM, where) for where in settings.dns_listen),
            *(("tls", socket.SOCK_STREAM, where) for where in settings.dns_tls_listen),
        ],
        settings.workers,
    )


def sockets_of_relay(settings: "DataPlaneSettings") -> SetsOfSockets:
    """TLS and HTTP of streaming services."""
    return _bound(
        [
            *(("relay-tls", socket.SOCK_STREAM, where) for where in settings.relay_tls_listen),
            *(("relay-http", socket.SOCK_STREAM, where) for where in settings.relay_http_listen),
        ],
        settings.workers,
        listen=False,  # a relay's port accepts once a worker can serve
    )


def sockets_of_registry(settings: "RegistrySettings") -> SetsOfSockets:
    """The pages; one worker, whose threads wait on the database. And the picture of the check."""
    return _bound(
        [
            *(("web", socket.SOCK_STREAM, where) for where in settings.web_listen),
            *(("check", socket.SOCK_STREAM, where) for where in settings.check_listen),
        ],
        1,
    )


def is_spread(sets: Iterable[Iterable[NamedSocket]]) -> bool:
    """Say whether a household may meet any of several workers."""
    return any(each.spread for sockets in sets for each in sockets)


def check_origin(of_registry: SetsOfSockets) -> str | None:
    """Give where a relay on this machine reaches the picture; None where nobody serves it."""
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
    """Give the sockets that systemd bound for this role to its workers; [] if there are none.

    Where there are as many for each address as workers, each worker has one, picked by source.
    Otherwise every worker has all of them. Raises SettingError where a resolver's takes IPv4 and
    IPv6, as systemd's do unless told otherwise.
    """
    ours = [each for each in given if each.name in NAMES[role]]
    for each in ours:
        if role == "resolver" and _takes_both(each.socket):
            raise SettingError(
                f"{each.url()}: this socket takes IPv4, too, and those who ask by it would be "
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
    """Group those of one protocol, address and port, in the order in which they were bound."""
    groups: dict[tuple[object, ...], list[NamedSocket]] = {}
    for each in sockets:
        port = (each.name, each.socket.type, each.socket.getsockname())
        groups.setdefault(port, []).append(each)
    return list(groups.values())


def _takes_both(bound: socket.socket) -> bool:
    return bound.family == socket.AF_INET6 and not bound.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    )


def close(sets: SetsOfSockets) -> None:
    """Give the ports back."""
    for sockets in sets:
        for each in sockets:
            each.socket.close()
