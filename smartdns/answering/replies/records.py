"""Records and replies that are made here and not by an upstream.

dnslib packs their data once: when settings and catalogue are loaded, or for the first SOA of a
TTL. Replies are made of these octets.
"""

import functools
from typing import Final

import dnslib.dns
from dnslib.label import DNSBuffer

from smartdns.answering.names import ROOT
from smartdns.answering.numbers import CLASS_IN, HINFO, NOERROR, NXDOMAIN, SOA
from smartdns.answering.plan import ExtendedError, Record, Reply
from smartdns.answering.query import Name
from smartdns.contract.addresses import Address

_MAILBOX: Final = "nobody.invalid"
"""RFC 6303 section 3."""
_SERIAL, _REFRESH_S, _RETRY_S, _EXPIRE_S = 1, 3600, 1200, 604_800


def address_data(address: Address) -> bytes:
    """Give the data of an A or AAAA record: 4 or 16 octets."""
    data = dnslib.dns.A if address.version == 4 else dnslib.dns.AAAA
    return _packed(data(str(address)))


def text_data(*texts: str) -> bytes:
    """Give the data of a record that is character strings, as TXT and HINFO are."""
    return _packed(dnslib.dns.TXT(list(texts)))


def soa(owner: Name, ttl: int) -> Record:
    """A SOA whose TTL and minimum say how long an absence may be believed (RFC 2308)."""
    return Record(owner, SOA, CLASS_IN, ttl, owner + _after_primary(ttl))


def nodata(owner: Name, ttl: int, error: ExtendedError | None = None) -> Reply:
    """The name exists and has nothing of this type."""
    return Reply(NOERROR, authority=(soa(owner, ttl),), error=error, constant=True)


def nxdomain(owner: Name, ttl: int, error: ExtendedError | None = None) -> Reply:
    """Neither the name nor anything below it exists."""
    return Reply(NXDOMAIN, authority=(soa(owner, ttl),), error=error, constant=True)


def minimal_any(owner: Name, ttl: int) -> Record:
    """What answers ANY in place of everything there is (RFC 8482 section 4.2)."""
    return Record(owner, HINFO, CLASS_IN, ttl, _RFC8482)


@functools.cache  # for the few TTLs that we answer with
def _after_primary(ttl: int) -> bytes:
    """Give the data of a SOA after the name of its primary server, which is the owner."""
    times = _SERIAL, _REFRESH_S, _RETRY_S, _EXPIRE_S, ttl
    return _packed(dnslib.dns.SOA(".", _MAILBOX, times)).removeprefix(ROOT)


def _packed(data: dnslib.dns.RD) -> bytes:
    buffer = DNSBuffer()
    data.pack(buffer)
    return bytes(buffer.data)


_RFC8482: Final = text_data("RFC8482", "")
