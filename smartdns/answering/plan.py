"""What to do about a query: one of three things."""

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
    """An Extended DNS Error (RFC 8914); it goes out only where the query had an OPT."""

    code: int
    text: str = ""

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "ExtendedError"


class Forward(NamedTuple):
    """Nobody here knows: ask an upstream, then `conclude` with what it said."""

    question: Question
    dnssec_ok: bool
    checking_disabled: bool
    nxdomain_is_nodata: bool = False
    """A steered name of a type that is not steered: it must not look absent as a whole."""

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
    """It is about to expire or stale: send it, and ask this upstream all the same."""
    truncated: bool = False
    """Send the question alone, with TC: whoever it is may come back over TCP."""

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "Reply"


@dataclass(frozen=True, slots=True)
class Silence:
    """Send nothing."""


Plan = Reply | Forward | Silence
