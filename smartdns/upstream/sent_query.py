"""One query sent to an upstream, and the check whether a message is its reply."""

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
    """Do nothing. Replaces `stop` of an ended query: else it and its socket would be a cycle."""


class SentQuery:
    """A query that may still get a reply."""

    __slots__ = ("attempt", "begun", "message", "stop", "upstream")

    def __init__(self, attempt: Attempt, upstream: Upstream, message: bytes, begun: float) -> None:
        self.attempt, self.upstream, self.message = attempt, upstream, message
        self.begun = begun
        """When it was sent, in monotonic seconds."""
        self.stop: Callable[[], None] = nothing
        """Stops waiting for a reply."""

    def reply_in(self, data: bytes, question: Question) -> UpstreamReply | None:
        """Parse `data` as the reply to this query for `question`; None: it is no such reply.

        The connected socket has checked the sender. The reply may have another case in its name.
        """
        if data[:2] != self.message[:2]:
            return None
        reply = parse_reply(data)
        if reply is None or reply.opcode != OPCODE_QUERY:
            return None
        keeps = self.repeats_question(reply)
        return reply if keeps or (self.attempt.mixed_case and reply.question == question) else None

    def repeats_question(self, reply: UpstreamReply) -> bool:
        """Say whether the reply has the question exactly as it was sent, case included (0x20)."""
        if not reply.question_wire:  # a server that could not read the query may leave it out
            return reply.rcode in {FORMERR, NOTIMP}
        return self.message.startswith(reply.question_wire, HEADER_LENGTH)
