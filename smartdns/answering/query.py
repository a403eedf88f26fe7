"""What came in: the question, what else the query said, and where it came from.

None of these shows its content when printed: an exception, a log line or a debugger's dump of
one says its type and nothing else.
"""

from typing import Literal, NamedTuple, NewType

Name = NewType("Name", bytes)
"""An absolute domain name: uncompressed wire form, lower-cased (RFC 4343), 1 to 255 octets.

Labels stay bytes: a label that holds a dot or NUL is one label. `b"\\x00"` is the root.
"""

Transport = Literal["udp", "tcp", "tls"]


class Question(NamedTuple):
    """QNAME, QTYPE and QCLASS (RFC 9499); equal ones have the same answer.

    A tuple, since it is looked for in dictionaries with each miss: hashed without Python's help.
    """

    name: Name
    type: int
    klass: int

    def __repr__(self) -> str:
        """Show nothing of what was asked."""
        return "Question"


class Edns(NamedTuple):
    """The query's OPT record (RFC 6891)."""

    payload_size: int
    """What the sender can take over UDP, as it said; below 512 counts as 512."""
    version: int = 0
    dnssec_ok: bool = False
    options: tuple[tuple[int, bytes], ...] = ()
    """Code and data of each option, in order."""
    well_formed: bool = True
    """No option that we know has data of a form that its RFC rules out."""

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "Edns"


class Signature(NamedTuple):
    """The query's TSIG record (RFC 8945); we share a key with nobody."""

    key_name: Name
    algorithm: bytes
    """In wire form."""
    time_signed: bytes
    """Six octets."""

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "Signature"


class Query(NamedTuple):
    """A query that could be read."""

    id: int
    opcode: int
    recursion_desired: bool
    checking_disabled: bool
    authentic_data: bool
    question: Question | None
    """None when QDCOUNT was 0 (RFC 7873 section 5.4 gives that a meaning), or the opcode is one
    whose messages have something else there."""
    question_wire: bytes
    """The question section as it was sent, case and all; echoed in the reply."""
    edns: Edns | None
    signature: Signature | None = None

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "Query"


class Source(NamedTuple):
    """Where a query came from."""

    address: bytes
    """4 or 16 octets in network order; an IPv4-mapped address is given as its 4."""
    port: int
    transport: Transport

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "Source"
