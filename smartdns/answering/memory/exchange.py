"""One forwarded question: whom to ask, when to ask somebody else as well, when to give up.

The logic of a resolution without its sockets; `upstream.forwarder` drives it:

    exchange = Exchange(servers, now)
    send each of exchange.attempts_due(now); come back at exchange.due_at()
    tell it what came: replied, case_changed, failed; until exchange.over

Attempts overlap. One that is slow is not given up when the next begins; the first good reply
ends the exchange, whoever sent it. Nothing lasts beyond the budget.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from smartdns.answering.numbers import (
    BADVERS,
    FORMERR,
    NOERROR,
    NOTIMP,
    NS,
    NXDOMAIN,
    SERVFAIL,
    SOA,
    YXDOMAIN,
)
from smartdns.answering.replies.upstream_reply import UpstreamReply

BUDGET_S: Final = 3.5
"""Stub resolvers go to their second server after about 5 s, so answer well before."""
_DEAD_BUDGET_S: Final = 1.0
"""Where nobody is expected to answer: time to say SERVFAIL, or to give a stale answer."""
_LEAST_PATIENCE_S: Final = 0.1
_ANSWERS: Final = frozenset({NOERROR, NXDOMAIN, YXDOMAIN})
"""The last says that a DNAME made the name too long (RFC 6672 section 2.2)."""


@dataclass(frozen=True, slots=True)
class Server:
    """An upstream as this exchange sees it."""

    index: int
    patience: float
    """Seconds after which somebody else is asked as well; 0: at once, this one is on trial."""
    stream_only: bool = False
    keeps_case: bool = True
    """A query in mixed case is worth sending: the reply is expected to repeat it (0x20)."""
    dead: bool = False
    """It does not answer our own probes either."""


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """One query to one upstream."""

    server: int
    stream: bool
    mixed_case: bool = False
    edns: bool = True
    otherwise: "Attempt | None" = None
    """What to try if this one brings nothing at all."""


class Exchange:
    """State of one question on its way; see the module for how to drive it."""

    def __init__(self, servers: Sequence[Server], now: float, budget: float = BUDGET_S) -> None:
        self.over = not servers
        self.result: UpstreamReply | None = None
        """The reply to go by, once over; an upstream's error where there was nothing better."""
        self._queue = deque(servers)
        self._unasked = {server.index for server in servers}
        self._next_at = now
        hopeless = all(server.dead for server in servers)
        self._deadline = now + (min(budget, _DEAD_BUDGET_S) if hopeless else budget)
        self._open: set[Attempt] = set()
        self._follow_ups: list[Attempt] = []
        self._poor: UpstreamReply | None = None

    def attempts_due(self, now: float) -> list[Attempt]:
        """Give the attempts to begin now; past the deadline the exchange is over instead."""
        if self.over:
            return []
        if now >= self._deadline:
            self._finish(self._poor)
            return []
        due, self._follow_ups = self._follow_ups, []
        while self._queue and now >= self._next_at:
            due.append(self._next_attempt(now))
        self._open.update(due)
        if not self._open:
            self._finish(self._poor)
        return due

    def due_at(self) -> float:
        """Say when to call `attempts_due` again though nothing happened."""
        return min(self._next_at, self._deadline) if self._queue else self._deadline

    def replied(self, attempt: Attempt, reply: UpstreamReply) -> None:
        """Take a reply to `attempt` whose ID, sender and question are right."""
        self._open.discard(attempt)
        if reply.truncated and not attempt.stream:
            self._follow_ups.append(replace(attempt, stream=True, mixed_case=False))
        elif reply.rcode in {FORMERR, NOTIMP, BADVERS} and attempt.edns:
            # A server from before RFC 6891 may know what it is asked without the OPT.
            self._follow_ups.append(replace(attempt, edns=False))
        elif reply.truncated or reply.rcode not in _ANSWERS:
            self._keep_poor(reply)
            self._drop(attempt.server)
        elif _is_referral(reply):
            self._drop(attempt.server)
        else:
            self._finish(reply)

    def case_changed(self, attempt: Attempt) -> None:
        """Take note that all of a reply was right but the name's case.

        Either the upstream does not keep it or somebody else made the reply. Over a stream
        nobody else can; a router without DNS over TCP leaves only a plain datagram.
        """
        self._open.discard(attempt)
        plain = replace(attempt, mixed_case=False)
        self._follow_ups.append(replace(plain, stream=True, otherwise=plain))

    def failed(self, attempt: Attempt) -> None:
        """Take note that `attempt` will bring nothing: refused, closed, nonsense."""
        self._open.discard(attempt)
        if attempt.otherwise is not None:
            self._follow_ups.append(attempt.otherwise)
        else:
            self._drop(attempt.server)

    def _next_attempt(self, now: float) -> Attempt:
        server = self._queue.popleft()
        self._unasked.discard(server.index)
        self._next_at = now + server.patience
        # The second time round is half as eager.
        patience = max(server.patience * 2, _LEAST_PATIENCE_S)
        self._queue.append(replace(server, patience=patience))
        mixed_case = server.keeps_case and not server.stream_only
        return Attempt(server.index, server.stream_only, mixed_case)

    def _drop(self, index: int) -> None:
        """Ask this server no more; somebody who was not asked yet, or everybody left, at once."""
        self._queue = deque(server for server in self._queue if server.index != index)
        self._unasked.discard(index)
        if self._unasked or not self._open:
            self._next_at = 0.0

    def _keep_poor(self, reply: UpstreamReply) -> None:
        """Keep what says most: a SERVFAIL, which may explain itself, before a refusal."""
        if not reply.truncated and (self._poor is None or self._poor.rcode != SERVFAIL):
            self._poor = reply

    def _finish(self, result: UpstreamReply | None) -> None:
        self.over, self.result = True, result
        self._open.clear()
        self._follow_ups.clear()


def is_answer(reply: UpstreamReply) -> bool:
    """Say whether nothing better than this reply is to be expected of anybody."""
    return not reply.truncated and reply.rcode in _ANSWERS and not _is_referral(reply)


def _is_referral(reply: UpstreamReply) -> bool:
    """Say whether the sender sends us elsewhere: no recursive resolver (RFC 2308 section 2.2)."""
    if reply.answer or reply.rcode != NOERROR:
        return False
    types = {record.type for record in reply.authority}
    return NS in types and SOA not in types
