"""One question under way: the queries sent for it, those still due, and who waits for the answer.

    send_first   sends the first query, from the thread that asks; most questions need no other
    begin        starts in the reactor's thread, when the upstream must be chosen first
    look         called regularly: asks another upstream when the first one is late

Only a question that needs more than its first query gets an `Exchange`, which decides what is next.
"""

import secrets
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from smartdns.answering.memory.exchange import BUDGET_S, Attempt, Exchange, is_answer
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name
from smartdns.answering.replies.chasing import joined
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.sent_query import SentQuery, nothing
from smartdns.upstream.sockets import QuerySocket, QuerySockets
from smartdns.wire.queries import render_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.internet.interfaces import IDelayedCall

_TLS_PADDING: Final = 128  # RFC 8467 section 4.1
_FIRST: Final = Attempt(server=-1, stream=False, mixed_case=True)
"""The attempt of `send_first`; its server is not known yet."""

T = TypeVar("T")


class PendingQuestion(Generic[T]):
    """A question that upstreams are being asked."""

    def __init__(
        self,
        sockets: QuerySockets,
        group: Group,
        plan: Forward,
        ended: "Callable[[PendingQuestion[T], UpstreamReply | None], None]",
        budget_s: float | None = None,
    ) -> None:
        """Ask `group` what `plan` says; `ended` is called once, with the reply or None."""
        self.plan = plan
        """The question of those who wait."""
        self.askers: list[tuple[Callable[[T], None], bytes]] = []
        """A callback for the conclusion, and the network that it counts for."""
        self.asked = plan
        """The question to the upstreams: `plan`, or the name that an alias led to."""
        self._sockets, self.group, self._ended = sockets, group, ended
        self.begun = sockets.reactor.seconds()
        self._deadline = self.begun + (BUDGET_S if budget_s is None else budget_s)
        self._so_far: UpstreamReply | None = None
        self._exchange: Exchange | None = None
        self._sent: list[SentQuery] = []
        self._timer: IDelayedCall | None = None
        self.over = False

    def send_first(self, ready: QuerySocket) -> None:
        """Send the first query from `ready`. From any thread; only as the first call."""
        message = render_query(self.asked, ready.id, ready.noise)
        sent = SentQuery(_FIRST, ready.upstream, message, self.begun)
        sent.stop = ready.stop
        self._sent.append(sent)
        ready.aim(partial(self._take, sent), partial(self._lost, sent))
        if not _goes_out(ready, message):
            self._sockets.reactor.callFromThread(self._not_sent, sent)

    def begin(self) -> None:
        """Send the first query to the best upstream. Only in the reactor's thread."""
        if not self.over:
            self._go_on()

    def look(self, now: float) -> None:
        """Go on if the first query is late; later queries have their own timer."""
        if self._exchange is None and self._sent:
            first = self._sent[0]
            if now - first.begun >= first.upstream.health.patience():
                self._go_on()

    def follow(self, name: Name, group: Group, so_far: UpstreamReply) -> None:
        """Ask for the name that an alias led to, within the same time budget."""
        self._so_far, self.group = so_far, group
        self.asked = self.plan._replace(question=self.plan.question._replace(name=name))
        self._exchange, self.over = None, False
        self._wake()

    def abandon(self) -> None:
        """End without a reply."""
        self._end(None)

    def _take(self, sent: SentQuery, data: bytes) -> bool:
        """Say whether `data` is the reply to `sent`; if so, go on with it."""
        reply = sent.reply_in(data, self.asked.question)
        if reply is None:
            return False
        repeats = sent.repeats_question(reply)
        now = self._sockets.reactor.seconds()
        if repeats and self._exchange is None and is_answer(reply):
            sent.upstream.health.asked(sent.begun)
            self._answered(sent, now)
            self._end(reply)
            return True
        exchange = self._engage(now)
        self._wake()
        if sent not in self._sent:  # the upstream may not be asked any more
            return True
        self._answered(sent, now)
        if repeats:
            exchange.replied(sent.attempt, reply)
        else:
            sent.upstream.health.case_lost(now)
            exchange.case_changed(sent.attempt)
        return True

    def _answered(self, sent: SentQuery, now: float) -> None:
        sent.upstream.health.answered(now - sent.begun, now)
        self._forget(sent)

    def _not_sent(self, sent: SentQuery) -> None:
        sent.stop()
        self._lost(sent)

    def _lost(self, sent: SentQuery) -> None:
        """Go on without `sent`, which will get no reply."""
        now = self._sockets.reactor.seconds()
        exchange = self._engage(now)
        self._wake()
        if sent not in self._sent:
            return
        self._forget(sent)
        sent.upstream.health.failed(now)
        exchange.failed(sent.attempt)

    def _forget(self, sent: SentQuery) -> None:
        self._sent.remove(sent)
        sent.stop = nothing

    def _engage(self, now: float) -> Exchange:
        """Give the exchange; make it if there is none, with the time of the first query."""
        if self._exchange is None:
            first = self._sent[0] if self._sent else None
            if first is None:
                self._exchange = Exchange(self.group.servers(now), now, self._deadline - now)
            else:
                self._exchange = self._after(first, now)
        return self._exchange

    def _after(self, first: SentQuery, now: float) -> Exchange:
        first.upstream.health.asked(first.begun)
        servers = self.group.servers_after(first.upstream, now)
        exchange = Exchange(servers, first.begun, self._deadline - first.begun)
        for attempt in exchange.attempts_due(first.begun):
            if self.group.members[attempt.server] is first.upstream:
                first.attempt = attempt
            else:
                self._send(attempt, now, exchange)
        if first.attempt is _FIRST:  # the upstream may not be asked any more
            first.stop()
            self._forget(first)
        return exchange

    def _go_on(self) -> None:
        """Send the queries that are due, and set the timer for the next."""
        if self.over:
            return
        now = self._sockets.reactor.seconds()
        exchange = self._engage(now)
        while due := exchange.attempts_due(now):
            for attempt in due:
                self._send(attempt, now, exchange)
        if exchange.over:
            self._end(exchange.result)
        else:
            self._sleep_until(exchange.due_at())

    def _send(self, attempt: Attempt, now: float, exchange: Exchange) -> None:
        upstream = self.group.members[attempt.server]
        upstream.health.asked(now)
        sent = SentQuery(attempt, upstream, self._message(attempt, upstream), now)
        take, lost = partial(self._take, sent), partial(self._lost, sent)
        self._sent.append(sent)
        if attempt.stream:
            sent.stop = upstream.streams.ask(sent.message, take, lost)
            return
        opened = self._sockets.open(upstream)
        if opened is not None:
            sent.stop = opened.stop
            opened.aim(take, lost)
        if opened is None or not _goes_out(opened, sent.message):
            sent.stop()
            self._forget(sent)
            upstream.health.failed(now)
            exchange.failed(attempt)

    def _message(self, attempt: Attempt, upstream: Upstream) -> bytes:
        noise = secrets.randbits(8 * len(self.asked.question.name)) if attempt.mixed_case else 0
        padding_block = _TLS_PADDING if upstream.address.tls_name else 0
        return render_query(
            self.asked,
            secrets.token_bytes(2),
            noise,
            edns=attempt.edns,
            padding_block=padding_block,
        )

    def _wake(self) -> None:
        """Go on in the reactor's next turn, not while a socket is calling us."""
        self._sleep_until(0.0)

    def _sleep_until(self, moment: float) -> None:
        delay = max(moment - self._sockets.reactor.seconds(), 0.0)
        if self._timer is not None and self._timer.active():
            self._timer.reset(delay)
        elif not self.over:
            self._timer = self._sockets.reactor.callLater(delay, self._go_on)

    def _end(self, reply: UpstreamReply | None) -> None:
        if self.over:
            return
        self.over = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        now = self._sockets.reactor.seconds()
        for sent in list(self._sent):
            if reply is None:
                sent.upstream.health.failed(now)
            else:
                sent.upstream.health.outrun(now - sent.begun)
            sent.stop()
            self._forget(sent)
        if reply is not None and self._so_far is not None:
            reply = joined(self._so_far, reply)
        self._ended(self, reply)


def _goes_out(opened: QuerySocket, message: bytes) -> bool:
    try:
        opened.send(message)
    except OSError:  # the port is closed, or there is no route
        return False
    return True
