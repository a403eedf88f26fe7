"""One forwarded question: which upstream to ask, when to ask another as well, when to give up.

The logic of a resolution without its sockets; `upstream.forwarder` drives it:

    exchange = Exchange(servers, now)
    send each of exchange.attempts_due(now); come back at exchange.due_at()
    call replied, case_changed or failed for each result; until exchange.over

Attempts overlap: a slow one goes on when the next begins. The first good reply, from any upstream,
ends the exchange. The budget is a limit for all of it.
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
"""Seconds, if no upstream is expected to answer: then SERVFAIL or a stale answer is given."""
_LEAST_PATIENCE_S: Final = 0.1
_ANSWERS: Final = frozenset({NOERROR, NXDOMAIN, YXDOMAIN})
"""The last says that a DNAME made the name too long (RFC 6672 section 2.2)."""


@dataclass(frozen=True, slots=True)
class Server:
    """An upstream as this exchange sees it."""

    index: int
    patience: float
    """Seconds after which another one is asked as well; 0: at once, this one is on trial."""
    stream_only: bool = False
    keeps_case: bool = True
    """A query in mixed case is worth sending: the reply is expected to repeat it (0x20)."""
    dead: bool = False
    """It does not answer our probes."""


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """One query to one upstream."""

    server: int
    stream: bool
    mixed_case: bool = False
    edns: bool = True
    otherwise: "Attempt | None" = None
    """The attempt to make if this one gets no reply."""


class Exchange:
    """The state of one forwarded question; the module's docstring says how to use it."""

    def __init__(self, servers: Sequence[Server], now: float, budget: float = BUDGET_S) -> None:
        self.over = not servers
        self.result: UpstreamReply | None = None
        """The reply to use when the exchange is over; an upstream's error if none was better."""
        self._queue = deque(servers)
        self._unasked = {server.index for server in servers}
        self._next_at = now
        hopeless = all(server.dead for server in servers)
        self._deadline = now + (min(budget, _DEAD_BUDGET_S) if hopeless else budget)
        self._open: set[Attempt] = set()
        self._follow_ups: list[Attempt] = []
        self._poor: UpstreamReply | None = None

    def attempts_due(self, now: float) -> list[Attempt]:
        """Give the attempts to begin now; after the deadline, the exchange is over instead."""
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
        """Give the time at which to call `attempts_due` again even if nothing happened."""
        return min(self._next_at, self._deadline) if self._queue else self._deadline

    def replied(self, attempt: Attempt, reply: UpstreamReply) -> None:
        """Take a reply to `attempt` whose ID, sender and question are right."""
        self._open.discard(attempt)
        if reply.truncated and not attempt.stream:
            self._follow_ups.append(replace(attempt, stream=True, mixed_case=False))
        elif reply.rcode in {FORMERR, NOTIMP, BADVERS} and attempt.edns:
            # A server without EDNS (RFC 6891) may understand the query without the OPT record.
            self._follow_ups.append(replace(attempt, edns=False))
        elif reply.truncated or reply.rcode not in _ANSWERS:
            self._keep_poor(reply)
            self._drop(attempt.server)
        elif _is_referral(reply):
            self._drop(attempt.server)
        else:
            self._finish(reply)

    def case_changed(self, attempt: Attempt) -> None:
        """Note that a reply was right except for the name's case.

        Either the upstream does not keep the case, or the reply is forged. Over a stream it cannot
        be forged; with a router that has no DNS over TCP, only a plain datagram is left.
        """
        self._open.discard(attempt)
        plain = replace(attempt, mixed_case=False)
        self._follow_ups.append(replace(plain, stream=True, otherwise=plain))

    def failed(self, attempt: Attempt) -> None:
        """Note that `attempt` will get no reply: refused, closed, or not a DNS message."""
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
        """Ask this server no more; ask one that was not asked yet, or all others, at once."""
        self._queue = deque(server for server in self._queue if server.index != index)
        self._unasked.discard(index)
        if self._unasked or not self._open:
            self._next_at = 0.0

    def _keep_poor(self, reply: UpstreamReply) -> None:
        """Keep the error that says most: SERVFAIL, which may have a reason, before REFUSED."""
        if not reply.truncated and (self._poor is None or self._poor.rcode != SERVFAIL):
            self._poor = reply

    def _finish(self, result: UpstreamReply | None) -> None:
        self.over, self.result = True, result
        self._open.clear()
        self._follow_ups.clear()


def is_answer(reply: UpstreamReply) -> bool:
    """Say whether no upstream is expected to give a better reply."""
    return not reply.truncated and reply.rcode in _ANSWERS and not _is_referral(reply)


def _is_referral(reply: UpstreamReply) -> bool:
    """Say whether this is a referral: its sender does not recurse (RFC 2308 section 2.2)."""
    if reply.answer or reply.rcode != NOERROR:
        return False
    types = {record.type for record in reply.authority}
    return NS in types and SOA not in types
