"""The settings that `up` chooses: from its options, the operator's settings and this machine."""

import ipaddress
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from smartdns.contract.addresses import SocketAddress, parse_socket_address
from smartdns.contract.configuration import parse_table
from smartdns.upstream.addresses import parse_upstream

LOOPBACK = "127.0.0.1"
_ANY_DESTINATION = ("192.0.2.1", 9)  # for documentation (RFC 5737); nothing is sent there


@dataclass(frozen=True)
class UpOptions:
    """The command line of `up`; an option that was not given is None, False or empty."""

    dns: SocketAddress | None = None
    web: SocketAddress | None = None
    relay_tls: SocketAddress | None = None
    relay_http: SocketAddress | None = None
    upstreams: Sequence[str] = ()
    relay_addresses: Sequence[str] = ()
    zones: Sequence[Path] = ()
    workers: int | None = None
    lan: bool = False


def chosen_settings(options: UpOptions, given: Mapping[str, str]) -> dict[str, str]:
    """Give the settings as texts: options first, then the operator's (`given`), then defaults."""
    host = lan_address() if options.lan else LOOPBACK
    dns_port, tls_port, http_port = (53, 443, 80) if options.lan else (1053, 8443, 8080)
    by_option = {
        "dns_listen": _text(options.dns),
        "web_listen": _text(options.web),
        "relay_tls_listen": _text(options.relay_tls),
        "relay_http_listen": _text(options.relay_http),
        "upstreams": " ".join(options.upstreams),
        "relay_addresses": " ".join(options.relay_addresses),
        "zones": " ".join(str(folder.absolute()) for folder in options.zones),
        "workers": _text(options.workers),
    }
    by_default = {
        "dns_listen": f"{host}:{dns_port}",
        "web_listen": f"{host}:8053",
        "relay_tls_listen": f"{host}:{tls_port}",
        "relay_http_listen": f"{host}:{http_port}",
        "relay_addresses": f"*={host}",
        "workers": str(min(2, os.cpu_count() or 1)),
        "private_sources": "1",
    }
    chosen = {**by_default, **given, **{k: v for k, v in by_option.items() if v}}
    chosen.setdefault("dns_addresses", chosen["dns_listen"])
    if "check_origin" not in chosen and _relays_here(chosen):
        chosen.setdefault("check_listen", f"{LOOPBACK}:0")
    chosen.setdefault("public_url", f"http://{_reachable(chosen['web_listen'].split()[0])}")
    return chosen


def _relays_here(chosen: Mapping[str, str]) -> bool:
    """Say whether all relay addresses are of this `up`; other relays need CHECK_ORIGIN set."""
    listening = [chosen[f"relay_{kind}_listen"].split() for kind in ("tls", "http")]
    hosts = {parse_socket_address(where).address for each in listening for where in each}
    relays = {
        ipaddress.ip_address(address)
        for addresses in parse_table(chosen["relay_addresses"]).values()
        for address in addresses
    }
    return relays <= hosts or any(host.is_unspecified for host in hosts)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _reachable(listen: str) -> str:
    """Give an address that a browser on this machine can open, in place of a wildcard."""
    where = parse_socket_address(listen)
    return f"{LOOPBACK}:{where.port}" if where.address.is_unspecified else str(where)


def lan_address() -> str:
    """Give this machine's address in the home network, from its route to other networks."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.connect(_ANY_DESTINATION)  # a UDP socket: this sends nothing
            address: str = asking.getsockname()[0]
    except OSError:
        raise click.ClickException(
            "--lan: this machine has no address in a network; connect it, or give addresses "
            "with --dns, --web, --relay-tls and --relay-http"
        ) from None
    return address


# Parsing of options; for a wrong value click names the option and exits with 2.


def socket_address(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> SocketAddress | None:
    """Read ADDR:PORT."""
    try:
        return None if text is None else parse_socket_address(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def upstreams(
    _context: click.Context, _parameter: click.Parameter, texts: Sequence[str]
) -> list[str]:
    """Read HOST[:PORT], where the host is an address or a name, or tls://NAME@ADDR."""
    return [address for text in texts for address in _addresses_of(text)]


def _addresses_of(text: str) -> list[str]:
    try:
        return [str(parse_upstream(text))]
    except ValueError as error:
        host, _, port = text.partition(":")
        if text.startswith("tls://") or not (port or "53").isdigit():
            raise click.BadParameter(str(error)) from None
    try:
        found = socket.getaddrinfo(host, int(port or 53), type=socket.SOCK_DGRAM)
    except OSError:
        raise click.BadParameter(f"takes HOST[:PORT], but {host} has no address") from None
    return [str(SocketAddress(ipaddress.ip_address(each[4][0]), int(port or 53))) for each in found]


def relay_addresses(
    _context: click.Context, _parameter: click.Parameter, texts: Sequence[str]
) -> Sequence[str]:
    """Check REGION=ADDR[,ADDR]."""
    for text in texts:
        try:
            for addresses in parse_table(text).values():
                for address in addresses:
                    ipaddress.ip_address(address)
        except ValueError:
            raise click.BadParameter("takes REGION=ADDR[,ADDR]") from None
    return texts
