"""Checks of the relay's egress, and of the resolvers that each region uses for its origins."""

import socket
from collections.abc import Iterator, Mapping

from cli import probes
from cli.doctor.finding import Finding
from cli.doctor.settings import Settings
from smartdns.relay.egress import Egress, Socks5, egresses_and_upstreams
from smartdns.upstream.addresses import UpstreamAddress
from smartdns.upstream.bound_socket import open_socket
from smartdns.upstream.egress import ORDINARY, Direct

_VERSIONS = (4, 6)


def check(settings: Settings) -> Iterator[Finding]:
    """Run every check of this file."""
    given = settings.data_plane
    try:
        exits, upstreams = egresses_and_upstreams(
            given.relay_exits, given.relay_upstreams, given.upstreams
        )
    except ValueError as error:
        if given.upstreams:  # another check reports that there is none
            yield Finding(
                "region-without-upstream",
                f"region {error}",
                "Set one with MEDIASTREAMER_RELAY_UPSTREAMS, or change MEDIASTREAMER_RELAY_EXITS.",
            )
        return
    yield from _exits(exits)
    yield from _elsewhere(exits, upstreams)


def _exits(exits: Mapping[str, Egress]) -> Iterator[Finding]:
    for region, egress in exits.items():
        if isinstance(egress, Socks5):
            if not probes.accepts(egress.server):
                yield Finding(
                    "exit-silent",
                    f"the SOCKS5 server {egress.server} of region {region} accepts no connection",
                    "Start it, or change MEDIASTREAMER_RELAY_EXITS.",
                )
        elif not _is_here(egress):
            yield Finding(
                "exit-absent",
                f"region {region} uses an address or interface that this machine does not have",
                "Set it up, or change MEDIASTREAMER_RELAY_EXITS.",
            )


def _is_here(egress: Direct) -> bool:
    for version in _VERSIONS:
        if egress.source(version) or (egress.interface and version == 4):
            try:
                open_socket(socket.SOCK_STREAM, version, egress).close()
            except OSError:
                return False
    return True


def _elsewhere(
    exits: Mapping[str, Egress], upstreams: Mapping[str, tuple[UpstreamAddress, ...]]
) -> Iterator[Finding]:
    """Find regions with their own egress whose origins are looked up from this machine."""
    for region, asked in upstreams.items():
        for upstream in asked:
            if exits[region] != ORDINARY and upstream.egress == ORDINARY:
                yield Finding(
                    "look-ups-elsewhere",
                    f"origins of region {region} are looked up by {upstream} from this machine, "
                    "and not from the region itself",
                    "Set a resolver of that region with MEDIASTREAMER_RELAY_UPSTREAMS.",
                    grave=False,
                )
