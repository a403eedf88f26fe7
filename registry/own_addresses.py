"""Addresses that belong to no household: this machine's gateways, and networks from files."""

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
    """Give the gateways of this machine's routes, from the files of Linux; elsewhere none.

    A request from a gateway has lost its sender's address: a router or a container's bridge
    replaced it with its own (NAT).
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
    """Read lists of networks, one at the start of each line, or raise SettingError.

    Lists of VPNs and Apple's CSV have this form. What follows the network (after a comma, a space
    or #) is ignored, and so are empty lines. `files` has word -> files.
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
                f"MEDIASTREAMER_KNOWN_NETWORKS: {path}:{number}: the line must begin with a network"
            ) from None
    return networks
