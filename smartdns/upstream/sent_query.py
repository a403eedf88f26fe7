"""One query that was sent to an upstream, and which datagrams are a reply to it."""

from typing import TYPE_CHECKING

from smartdns.answering.memory.exchange import Attempt
from smartdns.answering.numbers import FORMERR, HEADER_LENGTH, NOTIMP, OPCODE_QUERY
from smartdns.answering.query import Question
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.group import Upstream
from smartdns.wire.replies import parse_reply

if TYPE_CHECKING:
    from collections.abc import Callable


def nothing() -> None:
    """In place of what stops a query that has ended: else it and its socket would be a circle."""


class SentQuery:
    """A query that may still bring something."""

    __slots__ = ("attempt", "begun", "message", "stop", "upstream")

    def __init__(self, attempt: Attempt, upstream: Upstream, message: bytes, begun: float) -> None:
        self.attempt, self.upstream, self.message = attempt, upstream, message
        self.begun = begun
        """Monotonic seconds."""
        self.stop: Callable[[], None] = nothing
        """Ends the waiting for it."""

    def reply_in(self, data: bytes, question: Question) -> UpstreamReply | None:
        """Give the reply that `data` is, if it is one to this query, which asks `question`.

        The socket saw to its sender. A reply to a name in mixed case may have lost the case.
        """
        if data[:2] != self.message[:2]:
            return None
        reply = parse_reply(data)
        if reply is None or reply.opcode != OPCODE_QUERY:
            return None
        keeps = self.repeats_question(reply)
        return reply if keeps or (self.attempt.mixed_case and reply.question == question) else None

    def repeats_question(self, reply: UpstreamReply) -> bool:
        """Say whether the reply has the question as it was sent, case and all (0x20)."""
        if not reply.question_wire:  # one that could not read the query may leave it out
            return reply.rcode in {FORMERR, NOTIMP}
        return self.message.startswith(reply.question_wire, HEADER_LENGTH)
