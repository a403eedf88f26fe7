"""Looking up a followed name at the system's name servers, which see it; we do not store it."""

import ipaddress
import time
from collections.abc import Sequence
from pathlib import Path

from registry.actions.updaters.claims import FAMILIES, Answers
from registry.dns_client import (
    NOERROR,
    NXDOMAIN,
    BadResponseError,
    DnsQuery,
    DnsRecord,
    DnsResponse,
    ask_tcp,
    ask_udp,
)
from smartdns.contract.addresses import Address, SocketAddress, parse_address

RESOLV_CONF = Path("/etc/resolv.conf")
WITHIN_S = 5.0
"""For one family, however many servers are asked."""
TRY_S = 2.0
"""For one server; then the next one is asked."""
MOST_ADDRESSES = 8
MOST_ALIASES = 16
_PORT = 53
_TYPES = {4: "A", 6: "AAAA"}


def system_name_servers(resolv_conf: Path = RESOLV_CONF) -> tuple[SocketAddress, ...]:
    """Read the name servers of resolv.conf(5), in order; () if there is none."""
    try:
        lines = resolv_conf.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    found: dict[SocketAddress, None] = {}
    for line in lines:
        match line.split():
            case ["nameserver", text, *_]:
                try:
                    found[SocketAddress(ipaddress.ip_address(text), _PORT)] = None
                except ValueError:
                    continue  # the C library also skips what it cannot read
    return tuple(found)


def look_up(servers: Sequence[SocketAddress], hostname: str) -> Answers:
    """Look up A and AAAA records, following up to 16 CNAMEs; nothing is cached."""
    return {family: _addresses(servers, hostname, family) for family in FAMILIES}


def _addresses(
    servers: Sequence[SocketAddress], hostname: str, family: int
) -> Sequence[Address] | None:
    response = _ask_in_turn(servers, DnsQuery(hostname, _TYPES[family]))
    if response is None:
        return None
    owner = _behind_aliases(response.answers, hostname)
    if owner is None:
        return None
    texts = [a.data for a in response.answers if (a.owner, a.type) == (owner, _TYPES[family])]
    found = [parse_address(text) for text in texts[:MOST_ADDRESSES]]
    return [address for address in found if address.version == family]  # no IPv4-mapped ones


def _ask_in_turn(servers: Sequence[SocketAddress], query: DnsQuery) -> DnsResponse | None:
    """Give the first response with NOERROR or NXDOMAIN; None if there is none in time.

    A server that did not answer is asked again in the next round; a server that failed is not.
    """
    deadline = time.monotonic() + WITHIN_S
    left = list(servers)
    while left:
        for server in tuple(left):
            within_s = min(TRY_S, deadline - time.monotonic())
            if within_s <= 0:
                return None
            try:
                response = _ask(query, server, within_s)
            except TimeoutError:
                continue
            except (OSError, BadResponseError):
                left.remove(server)
                continue
            if response.rcode in {NOERROR, NXDOMAIN}:
                return response
            left.remove(server)
    return None


def _ask(query: DnsQuery, server: SocketAddress, within_s: float) -> DnsResponse:
    response = ask_udp(query, server, within_s=within_s)
    return ask_tcp(query, server, within_s=within_s) if response.truncated else response


def _behind_aliases(answers: Sequence[DnsRecord], hostname: str) -> str | None:
    """Follow the CNAMEs of one response to the last name; None for a loop or a longer chain."""
    aliases = {a.owner: a.data.lower().removesuffix(".") for a in answers if a.type == "CNAME"}
    owner = hostname
    for _ in range(MOST_ALIASES + 1):
        if owner not in aliases:
            return owner
        owner = aliases[owner]
    return None
