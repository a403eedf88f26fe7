"""Records and whole replies that we make up ourselves."""

import struct

from smartdns.answering.names import name_of
from smartdns.answering.numbers import CLASS_IN, HINFO, NOERROR, NXDOMAIN, SOA
from smartdns.answering.plan import ExtendedError, Record, Reply
from smartdns.answering.query import Name

_NOBODY = name_of("nobody.invalid")  # RFC 6303 section 3
_TIMES = struct.Struct("!IIIII")
_RFC8482 = b"\x07RFC8482\x00"


def soa(owner: Name, ttl: int) -> Record:
    """A SOA whose TTL and minimum say how long an absence may be believed (RFC 2308)."""
    times = _TIMES.pack(1, 3600, 1200, 604_800, ttl)
    return Record(owner, SOA, CLASS_IN, ttl, owner + _NOBODY + times)


def nodata(owner: Name, ttl: int, error: ExtendedError | None = None) -> Reply:
    """The name exists and has nothing of this type."""
    return Reply(NOERROR, authority=(soa(owner, ttl),), error=error, constant=True)


def nxdomain(owner: Name, ttl: int, error: ExtendedError | None = None) -> Reply:
    """Neither the name nor anything below it exists."""
    return Reply(NXDOMAIN, authority=(soa(owner, ttl),), error=error, constant=True)


def minimal_any(owner: Name, ttl: int) -> Record:
    """What answers ANY in place of everything there is (RFC 8482 section 4.2)."""
    return Record(owner, HINFO, CLASS_IN, ttl, _RFC8482)
