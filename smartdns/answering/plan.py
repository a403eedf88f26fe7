"""What to do about a query: one of three things."""

from dataclasses import dataclass

from smartdns.answering.query import Name, Question


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """One resource record; `data` is RDATA in wire form, names inside it uncompressed."""

    name: Name
    type: int
    klass: int
    ttl: int
    data: bytes


@dataclass(frozen=True, slots=True, repr=False)
class ExtendedError:
    """An Extended DNS Error (RFC 8914); it goes out only where the query had an OPT."""

    code: int
    text: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """Answer now, with this; the flags and the question come from the query."""

    rcode: int
    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    authentic_data: bool = False
    error: ExtendedError | None = None
    constant: bool = False
    """TTLs do not count down: the same question has the same answer until knowledge changes."""


@dataclass(frozen=True, slots=True, repr=False)
class Forward:
    """Nobody here knows: ask an upstream, then answer the query again with what it said."""

    question: Question
    dnssec_ok: bool
    checking_disabled: bool
    nxdomain_is_nodata: bool = False
    """A steered name of a type that is not steered: it must not look absent as a whole."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Send nothing."""


Plan = Reply | Forward | Silence
