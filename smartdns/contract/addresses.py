"""Addresses and networks: their normal form, and what kind of address one is.

One household is one IPv4 address (/32) or one IPv6 prefix (/64, since devices with privacy
extensions, RFC 8981, change the rest daily).
"""

import enum
import ipaddress
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOUSEHOLD_IPV6_PREFIX = 64


class AddressKind(enum.Enum):
    """What an address is for; only `GLOBAL` ones name a household on a public installation."""

    GLOBAL = "a public address"
    PRIVATE = "a private address"  # RFC 1918, RFC 4193
    CARRIER_NAT = "shared address space inside a provider's network"  # RFC 6598
    LOOPBACK = "this machine's own loopback address"  # RFC 1122, RFC 4291
    LINK_LOCAL = "a link-local address"  # RFC 3927, RFC 4291
    MULTICAST = "a multicast address"  # RFC 5771, RFC 4291
    DOCUMENTATION = "an address for documentation"  # RFC 5737, RFC 3849, RFC 9637
    MAPPED = "an IPv4-mapped IPv6 address"  # RFC 4291
    NAT64 = "a NAT64 address"  # RFC 6052, RFC 8215
    SIX_TO_FOUR = "a 6to4 address"  # RFC 3056
    TEREDO = "a Teredo address"  # RFC 4380
    UNSPECIFIED = "the unspecified address"
    RESERVED = "a reserved address"  # IANA special-purpose registries


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


# First match wins, so the narrow ones come before those that hold them.
_KINDS: tuple[tuple[AddressKind, tuple[Network, ...]], ...] = (
    (AddressKind.UNSPECIFIED, _networks("0.0.0.0/32", "::/128")),
    (AddressKind.PRIVATE, _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
    (AddressKind.CARRIER_NAT, _networks("100.64.0.0/10")),
    (AddressKind.LOOPBACK, _networks("127.0.0.0/8", "::1/128")),
    (AddressKind.LINK_LOCAL, _networks("169.254.0.0/16", "fe80::/10")),
    (AddressKind.MULTICAST, _networks("224.0.0.0/4", "ff00::/8")),
    (
        AddressKind.DOCUMENTATION,
        _networks(
            "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"
        ),
    ),
    (AddressKind.MAPPED, _networks("::ffff:0:0/96")),
    (AddressKind.NAT64, _networks("64:ff9b::/96", "64:ff9b:1::/48")),
    (AddressKind.SIX_TO_FOUR, _networks("2002::/16", "192.88.99.0/24")),
    (AddressKind.TEREDO, _networks("2001::/32")),
)
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
_RESERVED = _networks(
    "0.0.0.0/8", "192.0.0.0/24", "198.18.0.0/15", "240.0.0.0/4", "2001::/23", "5f00::/16"
)


def kind_of(address: Address) -> AddressKind:
    """Classify by the IANA special-purpose registries (RFC 6890)."""
    for kind, networks in _KINDS:
        if any(address in network for network in networks):
            return kind
    if any(address in network for network in _RESERVED):
        return AddressKind.RESERVED
    if address.version == 6 and address not in _GLOBAL_IPV6:
        return AddressKind.RESERVED
    return AddressKind.GLOBAL


def parse_address(text: str) -> Address:
    """Read an address in its normal form; an IPv4-mapped one becomes the IPv4 it maps.

    Raises ValueError, without the text, when it is none or carries a zone ("%eth0").
    """
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        raise ValueError("not an IP address") from None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            raise ValueError("an address with a zone belongs to one link only")
        return address.ipv4_mapped or address
    return address


def parse_network(text: str) -> Network:
    """Read an address (its household's network) or a network with a length.

    Raises ValueError, without the text, when it is neither or has bits beyond its length.
    """
    if "/" not in text:
        return household_network(parse_address(text))
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError:
        raise ValueError("not a network (ADDRESS/LENGTH, no bits beyond the length)") from None


def household_network(address: Address, ipv6_prefix: int = HOUSEHOLD_IPV6_PREFIX) -> Network:
    """Give the network that one household's `address` stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return ipaddress.IPv4Network((address, 32))
    return ipaddress.IPv6Network((address, ipv6_prefix), strict=False)


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """An address of ours, or of a server that settings name, and a port."""

    address: Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"


def parse_socket_address(text: str, default_port: int | None = None) -> SocketAddress:
    """Read ADDRESS:PORT or [ADDRESS]:PORT; with a default port also the bare address.

    Raises ValueError, saying what is taken, when it is neither.
    """
    bare = text.removeprefix("[").removesuffix("]")
    if default_port is not None and _is_address(bare):
        return SocketAddress(ipaddress.ip_address(bare), default_port)
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not _is_address(host) or not _is_port(port):
        raise ValueError("takes ADDRESS:PORT, an IPv6 address in brackets: [ADDRESS]:PORT")
    return SocketAddress(ipaddress.ip_address(host), int(port))


def _is_address(text: str) -> bool:
    try:
        return getattr(ipaddress.ip_address(text), "scope_id", None) is None
    except ValueError:
        return False


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) < 65536
