"""Ask the system's name servers for a followed name. The name servers see it; nothing keeps it."""

from collections.abc import Sequence

import dns.exception
import dns.resolver

from registry.following.answers import FAMILIES, Answers
from smartdns.contract.addresses import Address, parse_address

WITHIN_S = 5.0
MOST_ADDRESSES = 8
_TYPES = {4: "A", 6: "AAAA"}


def make_resolver(nameservers: Sequence[str] = (), port: int = 53) -> dns.resolver.Resolver:
    """Use the name servers given, or the system's; nothing is cached, so that a change counts."""
    resolver = dns.resolver.Resolver(configure=not nameservers)
    if nameservers:
        resolver.nameservers, resolver.port = list(nameservers), port
    resolver.cache = None
    resolver.lifetime = WITHIN_S
    return resolver


def look_up(resolver: dns.resolver.Resolver, hostname: str) -> Answers:
    """Ask for A and AAAA, through any CNAMEs (16 at most, as dnspython bounds them)."""
    return {family: _addresses(resolver, hostname, _TYPES[family]) for family in FAMILIES}


def _addresses(
    resolver: dns.resolver.Resolver, hostname: str, kind: str
) -> Sequence[Address] | None:
    try:
        answer = resolver.resolve(f"{hostname}.", kind, search=False)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return ()
    except (dns.exception.DNSException, OSError):
        return None
    return [parse_address(record.address) for record in list(answer)[:MOST_ADDRESSES]]
