"""Shell completion of regions and services, from the built-in catalogue."""

import click

from smartdns.contract.grants import OFF
from zones.load import load_catalog


def complete_region(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Give the regions that begin with `incomplete`."""
    return [code for code in sorted(load_catalog().regions) if code.startswith(incomplete)]


def complete_service(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Give the services that begin with `incomplete`; after `NAME=`, the regions of NAME."""
    services = load_catalog().services
    name, equals, region = incomplete.partition("=")
    if not equals:
        return [f"{known}=" for known in sorted(services) if known.startswith(name)]
    known = services[name].regions if name in services else ()
    return [f"{name}={code}" for code in (*known, OFF, "default") if code.startswith(region)]
