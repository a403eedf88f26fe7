"""Names that are answered here and never forwarded, for any client."""

import ipaddress
from typing import Final

from smartdns.answering.knowledge import Switches
from smartdns.answering.names import below, name_of, suffixes
from smartdns.answering.numbers import AAAA, CLASS_IN, DS, NOERROR, NS, PTR, SOA, A
from smartdns.answering.plan import Record, Reply
from smartdns.answering.query import Name, Question
from smartdns.answering.replies.records import address_data, nodata, nxdomain, soa

TTL: Final = 10_800  # RFC 6303 section 3

_LOCALHOST: Final = name_of("localhost")
_LOOPBACK: Final = {
    A: address_data(ipaddress.ip_address("127.0.0.1")),
    AAAA: address_data(ipaddress.ip_address("::1")),
}

# Not existing on purpose; each of them is the top of a zone of ours with nothing in it.
_PRIVATE_RELAY: Final = frozenset(map(name_of, ("mask.icloud.com", "mask-h2.icloud.com")))
_ABSENT: Final = frozenset(
    map(
        name_of,
        (
            "invalid", "test",  # RFC 6761
            "onion",  # RFC 7686
            "local",  # RFC 6762 section 22.1
            "alt",  # RFC 9476
            "use-application-dns.net",  # Firefox: leave DNS to the system
        ),
    )
)  # fmt: skip

# Zones that exist everywhere and mean something else in every home; here they are empty.
_EMPTY: Final = frozenset(
    map(
        name_of,
        (
            "home.arpa",  # RFC 8375
            "resolver.arpa",  # RFC 9462 section 6.4
            # RFC 6303 section 4
            "10.in-addr.arpa", *(f"{n}.172.in-addr.arpa" for n in range(16, 32)),
            "168.192.in-addr.arpa", "0.in-addr.arpa", "127.in-addr.arpa", "254.169.in-addr.arpa",
            "2.0.192.in-addr.arpa", "100.51.198.in-addr.arpa", "113.0.203.in-addr.arpa",
            "255.255.255.255.in-addr.arpa",
            "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
            "d.f.ip6.arpa", *(f"{n}.e.f.ip6.arpa" for n in "89ab"), "8.b.d.0.1.0.0.2.ip6.arpa",
            *(f"{n}.100.in-addr.arpa" for n in range(64, 128)),  # RFC 7793
        ),
    )
)  # fmt: skip
_LOOPBACK_POINTERS: Final = frozenset(
    map(
        name_of,
        (
            "1.0.0.127.in-addr.arpa",
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa",
        ),
    )
)
_PRESENT: Final = {name for pointer in _LOOPBACK_POINTERS for name in suffixes(pointer)} | {
    name_of("_dns.resolver.arpa")
}
BROWSING = name_of("lb._dns-sd._udp")[:-1]
LOCAL_ZONES = _ABSENT | _EMPTY | _PRIVATE_RELAY | _LOOPBACK_POINTERS | {_LOCALHOST}
"""A name that is below none of these, and does not begin with `BROWSING`, is an ordinary one: one
walk tells nearly all names apart."""


def answer_locally(question: Question, switches: Switches) -> Reply | None:
    """Answer a name of local or no meaning; None: it is an ordinary one.

    What an operator forwards elsewhere by suffix, or lists as private, is ordinary.
    """
    name = question.name
    if below(name, LOCAL_ZONES) is None and not name.startswith(BROWSING):
        return None
    if below(name, switches.private_suffixes) is not None:
        return None
    if question.type == DS and name in _EMPTY:
        return None  # the parent's, which denies it with proof (RFC 4035 3.1.4.1, RFC 8375 4)
    if below(name, {_LOCALHOST}) is not None:
        return _localhost(question)
    if name in _LOOPBACK_POINTERS:
        return _apex_or(question, name, PTR, _LOCALHOST)
    if (zone := below(name, _EMPTY)) is not None:
        return _empty_zone(question, zone)
    if (zone := below(name, _ABSENT)) is not None:
        return nxdomain(zone, TTL)
    if switches.block_private_relay and (zone := below(name, _PRIVATE_RELAY)) is not None:
        return nxdomain(zone, TTL)
    if name.startswith(BROWSING):
        return nxdomain(name, TTL)
    return None


def is_local(name: Name) -> bool:
    """Say whether a name is none of an upstream's business, wherever it comes up."""
    question = Question(name, A, CLASS_IN)
    return answer_locally(question, Switches(block_private_relay=False)) is not None


def _localhost(question: Question) -> Reply:
    """Loopback for the name and all below it (RFC 6761 section 6.3)."""
    address = _LOOPBACK.get(question.type)
    if address is None:
        return nodata(_LOCALHOST, TTL)
    return _one(question, address)


def _one(question: Question, data: bytes) -> Reply:
    record = Record(question.name, question.type, CLASS_IN, TTL, data)
    return Reply(NOERROR, (record,), constant=True)


def _apex_or(question: Question, zone: Name, kind: int, data: bytes) -> Reply:
    return _one(question, data) if question.type == kind else nodata(zone, TTL)


def _empty_zone(question: Question, zone: Name) -> Reply:
    """SOA and NS at the top, nothing below (RFC 6303 section 3)."""
    name = question.name
    if name != zone:
        return nodata(zone, TTL) if name in _PRESENT else nxdomain(zone, TTL)
    if question.type == SOA:
        return Reply(NOERROR, (soa(zone, TTL),), constant=True)
    return _apex_or(question, zone, NS, zone)
