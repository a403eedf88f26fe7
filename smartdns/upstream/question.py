"""One question under way: what was sent for it, what is still due, and who waits for the answer.

    send_first   the first query, from the thread that has the question; most need no other
    begin        the same in the reactor's thread, where whom to ask must be found out first
    look         called now and then: asks on when the first upstream is late

Only one that needs more than its first query gets an `Exchange`, which says what to do next.
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
"""What `send_first` sends, to whichever upstream that is."""

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
        """Ask `group` what `plan` says; `ended` gets the reply, None for none, once."""
        self.plan = plan
        """What those who wait want to know."""
        self.askers: list[tuple[Callable[[T], None], bytes]] = []
        """What is called with the conclusion, and the network that each counts for."""
        self.asked = plan
        """What the upstreams are asked: the same, or the name that an alias led to."""
        self._sockets, self.group, self._ended = sockets, group, ended
        self.begun = sockets.reactor.seconds()
        self._deadline = self.begun + (BUDGET_S if budget_s is None else budget_s)
        self._so_far: UpstreamReply | None = None
        self._exchange: Exchange | None = None
        self._sent: list[SentQuery] = []
        self._timer: IDelayedCall | None = None
        self.over = False

    def send_first(self, ready: QuerySocket) -> None:
        """Send the first query from `ready`. From any thread, and only at first."""
        message = render_query(self.asked, ready.id, ready.noise)
        sent = SentQuery(_FIRST, ready.upstream, message, self.begun)
        sent.stop = ready.stop
        self._sent.append(sent)
        ready.aim(partial(self._take, sent), partial(self._lost, sent))
        if not _goes_out(ready, message):
            self._sockets.reactor.callFromThread(self._not_sent, sent)

    def begin(self) -> None:
        """Ask whoever is to be asked first. In the reactor's thread."""
        if not self.over:
            self._go_on()

    def look(self, now: float) -> None:
        """Go on where the first query is late; what follows has a timer of its own."""
        if self._exchange is None and self._sent:
            first = self._sent[0]
            if now - first.begun >= first.upstream.health.patience():
                self._go_on()

    def follow(self, name: Name, group: Group, so_far: UpstreamReply) -> None:
        """Ask on for the name that an alias led to, within the budget of the whole."""
        self._so_far, self.group = so_far, group
        self.asked = self.plan._replace(question=self.plan.question._replace(name=name))
        self._exchange, self.over = None, False
        self._wake()

    def abandon(self) -> None:
        """End without a reply."""
        self._end(None)

    def _take(self, sent: SentQuery, data: bytes) -> bool:
        """Say whether `data` is the reply to a query that was sent, and go on with it."""
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
        if sent not in self._sent:  # its upstream may not be asked any more
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
        """Go on without a query that will bring nothing."""
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
        """Give the exchange, in which a first query that was sent counts as begun when it was."""
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
        if first.attempt is _FIRST:  # that upstream may not be asked any more
            first.stop()
            self._forget(first)
        return exchange

    def _go_on(self) -> None:
        """Send what is due, and come back in time."""
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
        """Go on in the reactor's next turn: sockets are not closed under their own feet."""
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
    except OSError:  # nobody listens there, or there is no route
        return False
    return True
