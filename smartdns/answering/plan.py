"""The result of a decision: `Reply`, `Forward` or `Silence`."""

from dataclasses import dataclass
from typing import NamedTuple

from smartdns.answering.query import Name, Question


class Record(NamedTuple):
    """One resource record; `data` is RDATA in wire form, names inside it uncompressed."""

    name: Name
    type: int
    klass: int
    ttl: int
    data: bytes

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "Record"


class ExtendedError(NamedTuple):
    """An Extended DNS Error (RFC 8914); it is sent only if the query had an OPT record."""

    code: int
    text: str = ""

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "ExtendedError"


class Forward(NamedTuple):
    """The answer is not known here: ask an upstream, then call `conclude` with its reply."""

    question: Question
    dnssec_ok: bool
    checking_disabled: bool
    nxdomain_is_nodata: bool = False
    """For a steered name with a type that is not steered: the name itself must seem to exist."""

    def __repr__(self) -> str:
        """Show nothing of what was asked."""
        return "Forward"


class Reply(NamedTuple):
    """Answer now, with this; the flags and the question come from the query."""

    rcode: int
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    authentic_data: bool = False
    error: ExtendedError | None = None
    constant: bool = False
    """TTLs do not count down: the same question has the same answer until knowledge changes."""
    valid_until: float = 0.0
    """Second of the monotonic clock up to which the same query may be given this again, its TTLs
    one lower with every whole second unless `constant`; 0: not at all, decide each time."""
    refresh: Forward | None = None
    """The reply expires soon or is stale: send it, and ask this upstream as well."""
    truncated: bool = False
    """Send only the question, with TC: a real client can repeat it over TCP."""

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "Reply"


@dataclass(frozen=True, slots=True)
class Silence:
    """Send nothing."""


Plan = Reply | Forward | Silence
