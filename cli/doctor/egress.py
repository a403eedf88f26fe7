"""The ways out of a relay, and by whom each region looks its names up."""

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
    """Every check of this file."""
    given = settings.data_plane
    try:
        exits, upstreams = egresses_and_upstreams(
            given.relay_exits, given.relay_upstreams, given.upstreams
        )
    except ValueError as error:
        if given.upstreams:  # without any, that is a finding of its own
            yield Finding(
                "region-without-upstream",
                f"region {error}",
                "Name one in MEDIASTREAMER_RELAY_UPSTREAMS, or change MEDIASTREAMER_RELAY_EXITS.",
            )
        return
    yield from _exits(exits)
    yield from _elsewhere(exits, upstreams)


def _exits(exits: Mapping[str, Egress]) -> Iterator[Finding]:
    for region, way_out in exits.items():
        if isinstance(way_out, Socks5):
            if not probes.accepts(way_out.server):
                yield Finding(
                    "exit-silent",
                    f"the SOCKS5 server {way_out.server} of region {region} takes no connection",
                    "Start it, or change MEDIASTREAMER_RELAY_EXITS.",
                )
        elif not _is_here(way_out):
            yield Finding(
                "exit-absent",
                f"region {region} leaves by an address or interface that is not on this machine",
                "Set it up, or change MEDIASTREAMER_RELAY_EXITS.",
            )


def _is_here(way_out: Direct) -> bool:
    for version in _VERSIONS:
        if way_out.source(version) or (way_out.interface and version == 4):
            try:
                open_socket(socket.SOCK_STREAM, version, way_out).close()
            except OSError:
                return False
    return True


def _elsewhere(
    exits: Mapping[str, Egress], upstreams: Mapping[str, tuple[UpstreamAddress, ...]]
) -> Iterator[Finding]:
    """A region that does not leave the ordinary way is hardly where our own resolver asks."""
    for region, asked in upstreams.items():
        for upstream in asked:
            if exits[region] != ORDINARY and upstream.egress == ORDINARY:
                yield Finding(
                    "look-ups-elsewhere",
                    f"origins of region {region} are looked up by {upstream} on this machine, "
                    "which asks from wherever it likes",
                    "Name a resolver of that region in MEDIASTREAMER_RELAY_UPSTREAMS.",
                    grave=False,
                )
