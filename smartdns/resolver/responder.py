"""From a query's octets to the octets of its reply. Every listener calls this.

decide    decides about a query from memory alone. From any thread
ask       asks upstreams, and sends the reply when they have answered. From any thread
respond   does both, for a listener that takes one query at a time
"""

import datetime
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from twisted.logger import Logger
from twisted.python.failure import Failure

from smartdns.answering.answer import answer
from smartdns.answering.concluding import stale
from smartdns.answering.knowledge import Knowledge
from smartdns.answering.numbers import EDE_OTHER, NOERROR, NXDOMAIN, RCODE, REFUSED, SERVFAIL
from smartdns.answering.plan import ExtendedError, Forward, Reply, Silence
from smartdns.answering.query import Query, Source
from smartdns.answering.rules.cookies import Cookie, check_cookie
from smartdns.answering.rules.rate_limit import (
    RateLimiter,
    Verdict,
    client_key,
    host_key,
    stranger_key,
)
from smartdns.contract.grants import Profile
from smartdns.resolver.rendering import Rendered, failure_to, render, server_failure
from smartdns.upstream.forwarder import Forwarder
from smartdns.wire.queries import Malformed, parse_query, render_formerr

_BY_STREAM: Final = b"stream "
"""Streams have their own buckets: if forged datagrams empty a network's bucket, its clients must
still be able to follow TC to TCP."""
_OUTCOMES: Final = {
    NOERROR: "answered", NXDOMAIN: "answered", REFUSED: "refused", SERVFAIL: "failed"
}  # fmt: skip
OUTCOMES: Final = (*dict.fromkeys(_OUTCOMES.values()), "silent", "odd")
"""All outcomes of queries. Metrics show each from the start: else its first use would show."""
_new: Final = tuple.__new__
"""As in `answering.cache`."""
_SLIPPED: Final = Reply(NOERROR, truncated=True)
_FAILED: Final = Reply(SERVFAIL)
_SHED: Final = Reply(SERVFAIL, error=ExtendedError(EDE_OTHER, "too many questions at once"))

Send = Callable[[Rendered], None]
"""Takes the reply to one query."""


class Asked(NamedTuple):
    """A query that cannot be answered from memory: what to ask upstream, and who asked."""

    plan: Forward
    query: Query
    source: Source
    cookie: Cookie | None
    claimed: bool
    """Its client must prove its address regularly, so each of its queries needs a decision."""

    def __repr__(self) -> str:
        """Show nothing of who asked what."""
        return "Asked"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one network may ask."""

    clients: RateLimiter
    strangers: RateLimiter

    def forget_full(self, now: float) -> None:
        """Forget the networks whose buckets are full again."""
        self.clients.forget_full(now)
        self.strangers.forget_full(now)


class Responder:
    """Answers one query at a time; at once if no upstream must be asked."""

    def __init__(
        self,
        knowledge: Knowledge,
        forwarder: Forwarder[Reply],
        limits: Limits,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` gives monotonic seconds, of the same clock that `forwarder` concludes by."""
        self.knowledge = knowledge
        self.generation = 0
        """Raised after each change that may change replies already given."""
        self.grants = 0
        """Raised after each change of the clients' profiles."""
        self.forwarder = forwarder
        self.limits = limits
        self.clock = now
        """Gives monotonic seconds, by which replies expire and rates are counted."""
        self._changed: list[Callable[[], None]] = []
        self.outcomes: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        """Queries that were decided here, by outcome."""
        self._log = Logger()

    def respond(self, data: bytes, source: Source, send: Send) -> bool:
        """Pass the reply to a message to `send`, at once or later. Never raises.

        False: the message gets no reply. Only in the reactor's thread.
        """
        verdict = self._admit(source)
        decided: Rendered | Asked | None = None
        if verdict is not Verdict.DROP:
            profile = self.knowledge.allowlist.lookup(source.address, today())
            decided = self.decide(data, source, profile, verdict)
        if isinstance(decided, Asked):
            network = self.network_of(source.address) or host_key(source.address)
            decided = self.ask(decided, send, network)
            if decided is None:
                return True
        self.outcomes[outcome_of(decided)] += 1
        if decided is not None:
            send(decided)
        return decided is not None

    def decide(
        self, data: bytes, source: Source, profile: Profile | None, verdict: Verdict
    ) -> Rendered | Asked | None:
        """Give the reply if memory has it, else what to ask; None: no reply. Never raises.

        `profile` is what `source` was granted, `verdict` that of its network's rate limit. The
        decision holds for all clients with an equal profile until `generation` changes.
        """
        try:
            return self._decide(data, source, profile, verdict)
        except Exception:  # noqa: BLE001 - the next query must be answered
            self._log.failure("a query could not be answered")
            return server_failure(data)

    def ask(self, asked: Asked, send: Send, network: bytes) -> Rendered | None:
        """Ask upstream; pass the reply to `send` later, in the reactor's thread, and give None.

        If `network` has too many questions under way, give the reply to send instead.
        """

        def conclude(reply: Reply | Failure) -> None:
            if isinstance(reply, Failure):
                failure, reply = reply, _FAILED
                self._log.failure("a question could not be asked", failure)
            rendered = self._render(asked, reply)
            self.outcomes[outcome_of(rendered)] += 1
            send(rendered)

        if self.forwarder.ask(asked.plan, conclude, network):
            return None
        return self._render(asked, stale(asked.plan, self.knowledge, self.clock()) or _SHED)

    @property
    def in_flight(self) -> int:
        """Queries that wait for an upstream's reply."""
        return self.forwarder.waiting

    def network_of(self, address: bytes) -> bytes | None:
        """Give the key of the granted network that an address is in; None: it is a stranger."""
        found = self.knowledge.allowlist.lookup_network(address, today())
        return None if found is None else client_key(address, found[1])

    def wait_s(self, address: bytes, network: bytes | None) -> float:
        """Count a query of a stream; give the seconds after which to call this again; 0: go on.

        `network` is the result of `network_of`.
        """
        if network is None:
            key = _BY_STREAM + stranger_key(address)
            return self.limits.strangers.wait_s(key, self.clock())
        return self.limits.clients.wait_s(_BY_STREAM + network, self.clock())

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change of `generation` and of `grants`."""
        self._changed.append(listener)

    def knowledge_changed(self) -> None:
        """Tell the listeners to forget replies: the catalogue or the relays have changed."""
        self.generation += 1
        self._tell()

    def grants_changed(self) -> None:
        """Tell the listeners to forget the profiles of clients: the allowlist has changed."""
        self.grants += 1
        self._tell()

    def _tell(self) -> None:
        for listener in self._changed:
            listener()

    def _decide(
        self, data: bytes, source: Source, profile: Profile | None, verdict: Verdict
    ) -> Rendered | Asked | None:
        query = parse_query(data)
        if query is None or source.port == 0:
            return None
        if isinstance(query, Malformed):
            return Rendered(render_formerr(query))
        if verdict is Verdict.SLIP:
            return render(query, source, _SLIPPED, None)
        secret = self.knowledge.cookie_secret
        cookie = check_cookie(query, source.address, secret, int(time.time()))
        plan = answer(query, source, profile, self.knowledge, self.clock(), cookie)
        if isinstance(plan, Forward):
            claimed = profile is not None and profile.claimed
            return _new(Asked, (plan, query, source, cookie, claimed))
        if isinstance(plan, Silence):
            return None
        if plan.refresh is not None:
            self.forwarder.refresh(plan.refresh)
        return render(query, source, plan, cookie)

    def _render(self, asked: Asked, reply: Reply) -> Rendered:
        """Render the reply to a query that waited. Never raises: else the client gets no reply."""
        try:
            if asked.claimed:
                reply = reply._replace(constant=False, valid_until=0.0)
            return render(asked.query, asked.source, reply, asked.cookie)
        except Exception:  # noqa: BLE001 - the client must get a reply
            self._log.failure("a query could not be answered")
            return failure_to(asked.query)

    def _admit(self, source: Source) -> Verdict:
        """Count a datagram; for a stream `wait_s` does that."""
        if source.transport != "udp":
            return Verdict.GO
        network = self.network_of(source.address)
        if network is None:
            return self.limits.strangers.admit(stranger_key(source.address), self.clock())
        return self.limits.clients.admit(network, self.clock())


def outcome_of(reply: Rendered | None) -> str:
    """Give the outcome under which a reply is counted."""
    return "silent" if reply is None else _OUTCOMES.get(reply.octets[3] & RCODE, "odd")


_EPOCH_DAY: Final = datetime.date(1970, 1, 1).toordinal()


def today() -> int:
    """Give the ordinal of the UTC day, as `datetime.date.toordinal`."""
    return int(time.time()) // 86_400 + _EPOCH_DAY
