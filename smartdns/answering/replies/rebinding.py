"""Private addresses in public answers, by which a foreign web page could reach into a home.

Known as DNS rebinding; names that mean a device in the home by design are listed by suffix.
"""

import ipaddress
from collections.abc import Iterator
from typing import Final

from smartdns.answering.memory.cache import Answer
from smartdns.answering.names import end_of_name
from smartdns.answering.numbers import AAAA, EDE_BLOCKED, HTTPS, SVCB, A
from smartdns.answering.plan import ExtendedError
from smartdns.answering.query import Name
from smartdns.answering.replies.records import soa

TTL: Final = 60
BEARERS: Final = frozenset({A, AAAA, SVCB, HTTPS})
"""Types with addresses in their data."""
_BLOCKED: Final = ExtendedError(EDE_BLOCKED, "private address in a public answer")


def _range(text: str) -> tuple[int, int]:
    network = ipaddress.ip_network(text)
    return int(network.network_address), int(network.broadcast_address)


_PRIVATE_IPV4: Final = tuple(
    map(
        _range,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
            "172.16.0.0/12", "192.168.0.0/16",
        ),
    )
)  # fmt: skip
_FIRST_OCTETS: Final = frozenset(
    octet for first, last in _PRIVATE_IPV4 for octet in range(first >> 24, (last >> 24) + 1)
)
"""Of private IPv4 addresses: by these most others are told apart."""
_PRIVATE_IPV6: Final = tuple(map(_range, ("::/127", "fc00::/7", "fe80::/10")))
_IPV4_INSIDE: Final = (bytes(10) + b"\xff\xff", bytes.fromhex("0064ff9b") + bytes(8))
"""Mapped and NAT64 addresses (RFC 4291, RFC 6052): the IPv4 address is in the last four octets."""
_HINT_OCTETS: Final = {4: 4, 6: 16}  # ipv4hint and ipv6hint


def without_private(answer: Answer, name: Name) -> Answer:
    """Take private addresses out of an answer for `name`; nothing left of it becomes NODATA."""
    for record in answer.answer:
        kind, data = record.type, record.data
        # Nearly all public IPv4 addresses are told apart by their first octet.
        if kind in BEARERS and (kind != A or data[0] in _FIRST_OCTETS) and leads_home(kind, data):
            break
    else:
        return answer
    public = tuple(record for record in answer.answer if not leads_home(record.type, record.data))
    if any(record.type in BEARERS for record in public):
        return answer._replace(answer=public, authentic_data=False, error=_BLOCKED)
    authority = (soa(name, TTL),)
    return answer._replace(
        answer=(), authority=authority, ttl=TTL, authentic_data=False, error=_BLOCKED
    )


def leads_home(kind: int, data: bytes) -> bool:
    """Say whether a record of this type and data leads to a private address."""
    if kind in {A, AAAA}:
        return _is_private(data)
    return kind in BEARERS and any(map(_is_private, _hints(data)))


def _hints(data: bytes) -> Iterator[bytes]:
    """Give the addresses that a service binding hints at (RFC 9460 section 7.3)."""
    offset = end_of_name(data, 2)  # of the target, behind the priority
    while offset + 4 <= len(data):
        key, length = (
            int.from_bytes(data[offset : offset + 2]),
            int.from_bytes(data[offset + 2 : offset + 4]),
        )
        value = data[offset + 4 : offset + 4 + length]
        if size := _HINT_OCTETS.get(key):
            yield from (value[start : start + size] for start in range(0, len(value), size))
        offset += 4 + length


def _is_private(address: bytes) -> bool:
    if address[:12] in _IPV4_INSIDE:
        address = address[12:]
    if len(address) == 4 and address[0] not in _FIRST_OCTETS:
        return False
    ranges = _PRIVATE_IPV4 if len(address) == 4 else _PRIVATE_IPV6
    number = int.from_bytes(address)
    return any(first <= number <= last for first, last in ranges)
