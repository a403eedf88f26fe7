"""What an upstream said, as a value."""

from typing import NamedTuple

from smartdns.answering.plan import ExtendedError, Record
from smartdns.answering.query import Question


class UpstreamReply(NamedTuple):
    """A reply that could be read whole; whether it answers what was asked is not judged here."""

    id: int
    opcode: int
    rcode: int
    """With the upper bits of the OPT record, where there is one."""
    truncated: bool
    authentic_data: bool
    question: Question | None
    question_wire: bytes
    """As it came, case and all: to be compared with what was sent (0x20)."""
    answer: tuple[Record, ...]
    authority: tuple[Record, ...]
    error: ExtendedError | None = None
    """The first Extended DNS Error."""

    def __repr__(self) -> str:
        """Show nothing of what it holds."""
        return "UpstreamReply"
