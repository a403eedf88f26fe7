"""Checks of the catalogue of services, and of the relays."""

from collections.abc import Iterator

from cli import probes
from cli.doctor.finding import Finding
from cli.doctor.settings import Settings
from smartdns.contract.addresses import SocketAddress
from zones.catalog import ANY_REGION, Catalog
from zones.load import load_catalog
from zones.problems import CatalogError


def check(settings: Settings) -> Iterator[Finding]:
    """Run every check of this file."""
    try:
        catalog = load_catalog(settings.data_plane.zones)
    except CatalogError as error:
        yield Finding(
            "zone-file-broken",
            str(error).replace("\n", "; "),
            "Correct the file; `mediastreamer zones check` checks it.",
        )
        return
    yield from _regions(settings, catalog)
    yield from _relays(settings)


def _regions(settings: Settings, catalog: Catalog) -> Iterator[Finding]:
    for region in sorted(set(settings.data_plane.relay_addresses) - set(catalog.regions)):
        if region != ANY_REGION:
            yield Finding(
                "region-unknown",
                f"MEDIASTREAMER_RELAY_ADDRESSES has an unknown region {region}",
                f"Known regions: {', '.join(sorted(catalog.regions))}.",
            )


def _relays(settings: Settings) -> Iterator[Finding]:
    port = settings.data_plane.relay_check_port
    for region, addresses in settings.data_plane.relay_addresses.items():
        for address in addresses:
            if not probes.accepts(SocketAddress(address, port)):
                yield Finding(
                    "relay-silent",
                    f"steered names of region {region} lead to {address}, "
                    f"but nothing answers there on port {port}",
                    "Run a relay there, or change MEDIASTREAMER_RELAY_ADDRESSES (--relay-address).",
                    grave=False,  # a trial on one machine with other ports has no relay there
                )
