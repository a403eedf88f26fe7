"""Checks of ports, of upstreams, and whether senders' addresses reach us unchanged."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cli import probes
from cli.doctor.finding import Finding
from cli.doctor.port_holders import holder_of
from cli.doctor.settings import Settings
from cli.run import listening
from cli.state import State
from cli.status import status_of
from registry.own_addresses import gateways
from smartdns.contract.addresses import SocketAddress
from smartdns.process.sockets import ListenError
from smartdns.upstream.addresses import UpstreamAddress

ROOT = Path("/")


def check(state: State, settings: Settings) -> Iterator[Finding]:
    """Run every check of this file."""
    running = status_of(state)
    if running is None:
        yield from _check_ports(settings)
    else:
        yield from _check_roles(running)
    yield from _check_upstreams(settings)
    yield from check_bridge(settings.data_plane.dns_listen, ROOT)


def _check_roles(running: dict[str, Any]) -> Iterator[Finding]:
    for role, said in running["roles"].items():
        if not said["ready"]:
            yield Finding(
                "role-not-ready",
                f"the {role} is running but not ready",
                "; ".join(said.get("trouble", ())) or "Other findings may show the cause.",
            )


def _check_ports(settings: Settings) -> Iterator[Finding]:
    """Try to bind every port: nothing of ours is running, so all should be free."""
    yield from _try_to_listen(lambda: listening.sockets_of_resolver(settings.data_plane))
    yield from _try_to_listen(lambda: listening.sockets_of_relay(settings.data_plane))
    yield from _try_to_listen(lambda: listening.sockets_of_registry(settings.registry))


def _try_to_listen(bind: Callable[[], listening.SetsOfSockets]) -> Iterator[Finding]:
    try:
        listening.close(bind())
    except ListenError as error:
        if not error.taken:
            yield Finding(
                "port-forbidden",
                str(error),
                "Start as root and set MEDIASTREAMER_RUN_AS to a user, or use the systemd units.",
            )
            return
        holder = holder_of(error.where.port)
        yield Finding(
            "port-taken",
            f"{error}{f': {holder}' if holder else ''}",
            "Stop that program, or use another port; for systemd-resolved set "
            "DNSStubListener=no in /etc/systemd/resolved.conf.",
        )


def _check_upstreams(settings: Settings) -> Iterator[Finding]:
    ours = settings.data_plane.dns_listen
    if not settings.data_plane.upstreams:
        yield Finding(
            "upstream-missing",
            "there is no upstream resolver",
            "Set one with MEDIASTREAMER_UPSTREAMS (--upstream).",
        )
    for upstream in settings.data_plane.upstreams:
        where = SocketAddress(upstream.address, upstream.port)
        if any(_same(where, each) for each in ours):
            yield Finding(
                "upstream-loops",
                f"the upstream {upstream} is this resolver itself",
                "Set another one with MEDIASTREAMER_UPSTREAMS (--upstream).",
            )
        elif not _answers(upstream, where):
            yield Finding(
                "upstream-silent",
                f"the upstream {upstream} does not answer",
                "Check the network, or set another one with MEDIASTREAMER_UPSTREAMS (--upstream).",
            )


def _same(upstream: SocketAddress, ours: SocketAddress) -> bool:
    everywhere = ours.address.is_unspecified and upstream.address.is_loopback
    return upstream.port == ours.port and (upstream.address == ours.address or everywhere)


def _answers(upstream: UpstreamAddress, where: SocketAddress) -> bool:
    if upstream.tls_name is not None:
        return probes.accepts(where)
    return probes.eventually(lambda: probes.dns_answers(where), 3.0)


def check_bridge(listen: tuple[SocketAddress, ...], root: Path) -> Iterator[Finding]:
    """Find a container behind a bridge, where every sender has the bridge's address.

    The signs are the file that marks a container, a gateway in the routes, and a network interface
    that is one end of a pair into the host.
    """
    marks = (root / ".dockerenv", root / "run" / ".containerenv")
    if not any(mark.exists() for mark in marks):
        return
    found = gateways(root / "proc/net/route", root / "proc/net/ipv6_route")
    interfaces = root / "sys/class/net"
    paired = any(
        (each / "iflink").read_text().strip() != (each / "ifindex").read_text().strip()
        for each in (interfaces.iterdir() if interfaces.exists() else ())
        if each.name != "lo"
    )
    if paired and found and not all(each.address.is_loopback for each in listen):
        yield Finding(
            "sources-rewritten",
            f"this container is behind a bridge ({min(found, key=str)}): "
            "every household would have the address of the bridge",
            "Run resolver and relay with host networking (network_mode: host).",
        )
