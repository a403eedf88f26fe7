"""Upstream addresses, read from the text of a setting or of /etc/resolv.conf."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from smartdns.contract.addresses import Address, SocketAddress, parse_socket_address
from smartdns.upstream.egress import ORDINARY, Direct

DNS_PORT = 53
TLS_PORT = 853  # RFC 7858 section 3.1


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """One resolver that we forward to."""

    address: Address
    port: int = DNS_PORT
    tls_name: str | None = None
    """The name that its certificate must have, for DNS over TLS; None: UDP and TCP."""
    egress: Direct = ORDINARY
    """The source address or interface from which it is asked."""

    host: str = field(init=False, repr=False, compare=False)
    """The address as the socket calls take it."""

    def __post_init__(self) -> None:
        # Made once: every socket needs it, and to make it takes as long as to open a socket.
        object.__setattr__(self, "host", str(self.address))

    def asked_by(self, egress: Direct) -> "UpstreamAddress | None":
        """Give this upstream as asked through `egress`; None: `egress` does not reach it."""
        egress = egress.toward(self.address)
        return replace(self, egress=egress) if egress.reaches(self.address.version) else None

    def __str__(self) -> str:
        where = str(SocketAddress(self.address, self.port))
        return where if self.tls_name is None else f"tls://{self.tls_name}@{where}"


def parse_upstream(text: str) -> UpstreamAddress:
    """Read ADDRESS[:PORT] or tls://NAME@ADDRESS[:PORT]; ValueError says what is taken."""
    if not text.startswith("tls://"):
        try:
            where = parse_socket_address(text, DNS_PORT)
        except ValueError:
            raise ValueError(f"takes ADDRESS[:PORT] or tls://NAME@ADDRESS, not {text}") from None
        return UpstreamAddress(where.address, where.port)
    name, at, rest = text.removeprefix("tls://").rpartition("@")
    if not at or not name:
        raise ValueError("takes tls://NAME@ADDRESS[:PORT], with the name in the certificate")
    where = parse_socket_address(rest, TLS_PORT)
    return UpstreamAddress(where.address, where.port, name)


def upstreams_of_resolv_conf(lines: Iterable[str]) -> tuple[UpstreamAddress, ...]:
    """Give the name servers of resolv.conf(5) in order, each once."""
    found: dict[UpstreamAddress, None] = {}
    for line in lines:
        match line.split():
            case ["nameserver", text, *_]:
                try:
                    found[UpstreamAddress(ipaddress.ip_address(text))] = None
                except ValueError:
                    continue  # the C library skips what it cannot read, too
    return tuple(found)
