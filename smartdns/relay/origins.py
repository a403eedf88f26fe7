"""Where an origin is: its addresses, looked up through the upstreams, judged and ordered."""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import NamedTuple

from twisted.internet.defer import Deferred

from smartdns.answering.query import Name
from smartdns.contract.addresses import Address
from smartdns.relay.admission import OriginRules
from smartdns.upstream.look_up import Resolved

MOST_NAMES = 10_000
MOST_ADDRESSES = 8
"""How many of an origin's addresses are tried for one connection."""
_SHORTEST_S, _LONGEST_S = 5.0, 60.0
_STALE_S = 86_400.0
"""How long the last addresses are used while the upstreams do not answer (RFC 8767 section 5)."""
_STALE_AGAIN_S = 30.0

Lookup = Callable[[Name], Deferred[Resolved | None]]
"""Asks the upstreams, never our own steering; None: there is no answer."""


class Endpoint(NamedTuple):
    """An address that may be connected, as a socket takes it."""

    version: int
    host: str

    def __repr__(self) -> str:
        """Show nothing: where somebody goes is theirs."""
        return "Endpoint"


@dataclass(frozen=True, slots=True, repr=False)
class _Known:
    """What was found, and until when it holds and is used in need; in seconds."""

    until: float
    stale_until: float
    endpoints: tuple[Endpoint, ...]


class Origins:
    """Judged addresses by name and port, as one egress finds them.

    They hold while their TTL lasts, between five seconds and a minute, and longer while no upstream
    answers. Only names are remembered, never who asked for them, and only in memory.
    """

    def __init__(self, lookup: Lookup, rules: OriginRules, seconds: Callable[[], float]) -> None:
        self._lookup = lookup
        self._rules = rules
        self._seconds = seconds
        self._known: dict[tuple[Name, int], _Known] = {}

    def known(self, name: Name, port: int) -> tuple[Endpoint, ...] | None:
        """Give what is remembered and still holds."""
        entry = self._known.get((name, port))
        return entry.endpoints if entry is not None and entry.until > self._seconds() else None

    def find(self, name: Name, port: int) -> Deferred[tuple[Endpoint, ...]]:
        """Give the addresses that may be connected; none: the origin cannot be reached."""

        def judge(resolved: Resolved | None) -> tuple[Endpoint, ...]:
            if resolved is None:
                return self._stale((name, port))
            allowed = [
                address
                for address in map(ipaddress.ip_address, resolved.addresses)
                if self._rules.allow(address, port, local=is_local(address))
            ]
            endpoints = order(allowed)
            self._remember((name, port), resolved.ttl, endpoints)
            return endpoints

        return self._lookup(name).addCallback(judge)

    def _remember(self, key: tuple[Name, int], ttl: float, endpoints: tuple[Endpoint, ...]) -> None:
        now = self._seconds()
        if len(self._known) >= MOST_NAMES:
            self._known = {k: v for k, v in self._known.items() if v.until > now}
        if len(self._known) >= MOST_NAMES:
            self._known.clear()
        until = now + min(max(ttl, _SHORTEST_S), _LONGEST_S)
        self._known[key] = _Known(until, now + _STALE_S, endpoints)

    def _stale(self, key: tuple[Name, int]) -> tuple[Endpoint, ...]:
        """Give what held last, and let it hold a while, so that the next need not wait as long."""
        entry, now = self._known.get(key), self._seconds()
        if entry is None or entry.stale_until < now:
            return ()
        self._known[key] = replace(entry, until=now + _STALE_AGAIN_S)
        return entry.endpoints


def endpoint_of(address: Address) -> Endpoint:
    """Give the endpoint of an address."""
    return Endpoint(address.version, str(address))


def order(addresses: Iterable[Address]) -> tuple[Endpoint, ...]:
    """Take the families in turn, IPv6 first (RFC 8305 section 4), each address once."""
    by_family: tuple[list[Endpoint], list[Endpoint]] = ([], [])
    for address in dict.fromkeys(addresses):
        by_family[address.version == 4].append(endpoint_of(address))
    in_turn = (endpoint for pair in zip_longest(*by_family) for endpoint in pair)
    return tuple(endpoint for endpoint in in_turn if endpoint is not None)[:MOST_ADDRESSES]


def is_local(address: Address) -> bool:
    """Say whether an address is one of this machine's, which only binding to it can tell."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
