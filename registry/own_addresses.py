"""Addresses that are nobody's household: this machine's gateways, and networks listed in files."""

import ipaddress
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

from registry.actions.addresses.rules import NetworkSet
from smartdns.contract.addresses import Address, Network
from smartdns.contract.configuration import SettingError

ROUTES_IPV4 = Path("/proc/net/route")
ROUTES_IPV6 = Path("/proc/net/ipv6_route")


def gateways(ipv4: Path = ROUTES_IPV4, ipv6: Path = ROUTES_IPV6) -> frozenset[Address]:
    """Gateways of this machine's routes (Linux; elsewhere none).

    A request from one of them was passed on with its sender's address replaced: a router that
    answers its own clients from inside, or a container's bridge.
    """
    found: set[Address] = set()
    for fields in _fields(ipv4)[1:]:
        found.add(ipaddress.IPv4Address(socket.htonl(int(fields[2], 16))))
    for fields in _fields(ipv6):
        found.add(ipaddress.IPv6Address(struct.pack(">16s", bytes.fromhex(fields[4]))))
    return frozenset(address for address in found if not address.is_unspecified)


def _fields(file: Path) -> list[list[str]]:
    try:
        return [line.split() for line in file.read_text(encoding="ascii").splitlines()]
    except OSError:
        return []


def networks_of_files(files: Mapping[str, tuple[Path, ...]]) -> NetworkSet:
    """Read lists of networks, one at the start of each line, as VPN lists and Apple's CSV are.

    What follows a network (after a comma, blank or #) does not count, nor do empty lines.
    """
    networks: dict[Network, str] = {}
    for word, paths in files.items():
        for path in paths:
            networks.update(dict.fromkeys(_networks(path), word))
    return NetworkSet(networks)


def _networks(path: Path) -> list[Network]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"MEDIASTREAMER_KNOWN_NETWORKS: {path} cannot be read ({type(error).__name__})"
        ) from None
    networks = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].replace(",", " ").split()
        try:
            networks += [ipaddress.ip_network(words[0], strict=False)] if words else []
        except ValueError:
            raise SettingError(
                f"MEDIASTREAMER_KNOWN_NETWORKS: {path}:{number}: takes a network first"
            ) from None
    return networks
