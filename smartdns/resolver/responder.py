"""Carry out a plan: from a query's octets to the octets of its reply."""

import datetime
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from smartdns.answering.answer import answer
from smartdns.answering.concluding import stale
from smartdns.answering.cookies import Cookie, check_cookie
from smartdns.answering.knowledge import Knowledge
from smartdns.answering.loop_probe import is_probe, probe_reply
from smartdns.answering.numbers import EDE_OTHER, NOERROR, NXDOMAIN, RCODE, REFUSED, SERVFAIL
from smartdns.answering.plan import ExtendedError, Forward, Plan, Reply, Silence
from smartdns.answering.query import Query, Source
from smartdns.answering.rate_limit import (
    RateLimiter,
    Verdict,
    client_key,
    host_key,
    stranger_key,
)
from smartdns.resolver.rendering import Rendered, render, server_failure
from smartdns.upstream.forwarder import Forwarder
from smartdns.wire.queries import Malformed, parse_query, render_formerr

_BY_STREAM = b"stream "
"""Streams have buckets of their own: a flood of datagrams in a network's name, which empties the
other one, must not keep it from the way that TC leads to."""
_STALE_AFTER_S = 1.8
"""An expired answer now is better than a fresh one later (RFC 8767 section 5)."""
_MOST_OF_ONE_CLIENT = 0.25
"""Of all questions under way those that one client may have there."""
_OUTCOMES = {NOERROR: "answered", NXDOMAIN: "answered", REFUSED: "refused", SERVFAIL: "failed"}
OUTCOMES = (*dict.fromkeys(_OUTCOMES.values()), "silent", "odd")
"""All that become of queries; each is told of from the start, or it would tell of its first."""
_SLIPPED = Reply(NOERROR, truncated=True)
_FAILED = Reply(SERVFAIL)
_SHED = Reply(SERVFAIL, error=ExtendedError(EDE_OTHER, "too many questions at once"))

Answered = Rendered | Deferred[Rendered | None] | None
"""A reply now, or once somebody else was asked; None: silence."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one network may ask; the buckets are this worker's share."""

    clients: RateLimiter
    strangers: RateLimiter

    def forget_full(self, now: float) -> None:
        """Keep no network's count for longer than it counts."""
        self.clients.forget_full(now)
        self.strangers.forget_full(now)


class Responder:
    """Answers one query at a time; at once where nobody else must be asked."""

    def __init__(
        self,
        knowledge: Knowledge,
        forwarder: Forwarder[Reply],
        limits: Limits,
        cookie_secret: bytes,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` gives seconds of the clock that `forwarder` concludes by."""
        self.knowledge = knowledge
        self.generation = 0
        """Raised after each change by which a reply that was given would be another now."""
        self.grants = 0
        """Raised after each change of who has which profile."""
        self.forwarder = forwarder
        self.limits = limits
        self.cookie_secret = cookie_secret
        self._now = now
        self._changed: list[Callable[[], None]] = []
        self.outcomes: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        """Queries that took a decision, by what became of them."""
        self._asking: Counter[bytes] = Counter()
        self._log = Logger()

    def respond(self, data: bytes, source: Source, counted: Verdict | None = None) -> Answered:
        """Give the reply to a message, None for silence; never raises.

        `counted` is the verdict of whoever counted it against its network's rate already; what
        came over a stream had to `wait_s`.
        """
        try:
            answered = self._respond(data, source, counted)
        except Exception:  # noqa: BLE001 - whatever it is, the next query is answered
            self._log.failure("a query could not be answered")
            answered = server_failure(data)
        if isinstance(answered, Deferred):
            return answered.addErrback(self._broken, data).addCallback(self._counted)
        return self._counted(answered)

    def _broken(self, failure: Failure, data: bytes) -> Rendered | None:
        self._log.failure("a query could not be answered", failure)
        return server_failure(data)

    def _counted(self, reply: Rendered | None) -> Rendered | None:
        self.outcomes[
            "silent" if reply is None else _OUTCOMES.get(reply.octets[3] & RCODE, "odd")
        ] += 1
        return reply

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds of the clock by which replies hold and rates are counted."""
        return self._now

    @property
    def in_flight(self) -> int:
        """Queries that wait for somebody else's answer."""
        return self._asking.total() + len(self.forwarder.shots.flying)

    def network_of(self, source: Source) -> bytes | None:
        """Give the key of the granted network that a source is in; None: it is a stranger."""
        found = self.knowledge.allowlist.lookup_network(source.address, _today())
        return None if found is None else client_key(source.address, found[1])

    def wait_s(self, source: Source) -> float:
        """Count a query of a stream; give the seconds that it must wait, and then be counted."""
        network = self.network_of(source)
        if network is None:
            key = _BY_STREAM + stranger_key(source.address)
            return self.limits.strangers.wait_s(key, self._now())
        return self.limits.clients.wait_s(_BY_STREAM + network, self._now())

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change of `generation` and of `grants`."""
        self._changed.append(listener)

    def knowledge_changed(self) -> None:
        """Tell whoever remembers replies: catalogue or relays are not what they were."""
        self.generation += 1
        self._tell()

    def grants_changed(self) -> None:
        """Tell whoever remembers what a source may see: the allowlist is not what it was."""
        self.grants += 1
        self._tell()

    def _tell(self) -> None:
        for listener in self._changed:
            listener()

    def _respond(self, data: bytes, source: Source, counted: Verdict | None) -> Answered:
        now = self._now()
        wall_s = int(time.time())
        day = _today()
        if source.port == 0:  # nobody can be there; it would loop a reply back to us
            return None
        verdict = self._admit(source, now) if counted is None else counted
        if verdict is Verdict.DROP:
            return None
        query = parse_query(data)
        if query is None:
            return None
        if isinstance(query, Malformed):
            return Rendered(render_formerr(query))
        if verdict is Verdict.SLIP:
            return render(query, source, _SLIPPED, None)
        if query.question is not None and is_probe(query.question, self.cookie_secret):
            return render(query, source, probe_reply(query.question), None)
        cookie = check_cookie(query, source.address, self.cookie_secret, wall_s)
        plan = answer(query, source, self.knowledge, now, day, cookie)
        return self._carry_out(plan, query, source, cookie)

    def _admit(self, source: Source, now: float) -> Verdict:
        """Count a datagram; there is no asking it to wait."""
        if source.transport != "udp":
            return Verdict.GO
        network = self.network_of(source)
        if network is None:
            return self.limits.strangers.admit(stranger_key(source.address), now)
        return self.limits.clients.admit(network, now)

    def _carry_out(
        self, plan: Plan, query: Query, source: Source, cookie: Cookie | None
    ) -> Answered:
        if isinstance(plan, Reply):
            if plan.refresh is not None:
                self.forwarder.forward(plan.refresh).addErrback(self._failed)
            return render(query, source, plan, cookie)
        if isinstance(plan, Silence):
            return None
        return self._ask(plan, query, source, cookie)

    def _ask(
        self, plan: Forward, query: Query, source: Source, cookie: Cookie | None
    ) -> Deferred[Rendered | None]:
        client = self.network_of(source) or host_key(source.address)
        if self._asking[client] >= self.forwarder.most_in_flight * _MOST_OF_ONE_CLIENT:
            shed = stale(plan, self.knowledge, self._now()) or _SHED
            return succeed(render(query, source, shed, cookie))
        self._asking[client] += 1
        asking = self._soon(plan).addErrback(self._failed)
        asking.addBoth(self._landed, client)
        return asking.addCallback(lambda reply: render(query, source, reply, cookie))

    def _soon(self, plan: Forward) -> Deferred[Reply]:
        """Ask upstream, and where an expired answer is at hand do not wait for long."""
        asking = self.forwarder.forward(plan)
        stand_in = stale(plan, self.knowledge, self._now())
        if stand_in is not None:
            # Takes this asker away from the exchange, which goes on and refreshes the cache.
            asking.addTimeout(
                _STALE_AFTER_S, self.forwarder.reactor, onTimeoutCancel=lambda *_: stand_in
            )
        return asking

    def _landed(self, reply: Reply, client: bytes) -> Reply:
        self._asking[client] -= 1
        if not self._asking[client]:
            del self._asking[client]
        return reply

    def _failed(self, failure: Failure) -> Reply:
        self._log.failure("a question could not be asked", failure)
        return _FAILED


_EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()


def _today() -> int:
    return int(time.time()) // 86_400 + _EPOCH_DAY
