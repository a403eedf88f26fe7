"""One question on its way: an `Exchange` with sockets and a clock."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twisted.internet.posixbase import PosixReactorBase

from smartdns.answering.exchange import BUDGET_S, Attempt, Exchange
from smartdns.answering.numbers import FORMERR, HEADER_LENGTH, NOTIMP, OPCODE_QUERY
from smartdns.answering.plan import Forward
from smartdns.answering.upstream_reply import UpstreamReply
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.shots import Shot
from smartdns.upstream.udp import ask_datagram
from smartdns.wire.queries import render_query
from smartdns.wire.replies import parse_reply

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall

_TLS_PADDING = 128  # RFC 8467 section 4.1


def _nothing() -> None:
    """In place of what ended: it and who waited would keep each other alive."""


@dataclass(eq=False, slots=True, repr=False)
class _Waiting:
    """An attempt that may still bring something."""

    attempt: Attempt
    upstream: Upstream
    message: bytes
    begun: float
    stop: Callable[[], None] = _nothing


class Errand:
    """Drives one exchange to its end."""

    def __init__(
        self,
        reactor: PosixReactorBase,
        group: Group,
        plan: Forward,
        ended: Callable[[UpstreamReply | None], None],
        budget_s: float = BUDGET_S,
        shot: Shot[Any] | None = None,
    ) -> None:
        """Ask `group` what `plan` says; `ended` gets the reply, or None for none, once.

        `shot` is a query that went out already.
        """
        self._reactor, self._group, self._plan, self._ended = reactor, group, plan, ended
        now = reactor.seconds()
        self._waiting: set[_Waiting] = set()
        self._timer: IDelayedCall | None = None
        self._done = False
        if shot is None:
            self._exchange = Exchange(group.servers(now), now, budget_s)
        else:
            servers = group.servers_after(shot.upstream, now)
            self._exchange = Exchange(servers, shot.begun, budget_s)
            self._take_over(shot)

    def begin(self) -> None:
        """Start, but tell nobody before the reactor's next turn."""
        self._timer = self._reactor.callLater(0, self._go_on)

    def abandon(self) -> None:
        """End without a reply."""
        self._end(None)

    def _go_on(self) -> None:
        """Begin what is due and come back in time."""
        if self._done:
            return
        now = self._reactor.seconds()
        while due := self._exchange.attempts_due(now):
            for attempt in due:
                self._begin(attempt, now)
        if self._exchange.over:
            self._end(self._exchange.result)
        else:
            self._sleep_until(self._exchange.due_at())

    def _take_over(self, shot: Shot[Any]) -> None:
        """Count as begun what was sent; if that upstream may not be asked any more, drop it."""
        for attempt in self._exchange.attempts_due(shot.begun):
            upstream = self._group.members[attempt.server]
            if upstream is shot.upstream:
                waiting = _Waiting(attempt, upstream, shot.message, shot.begun, shot.asking.stop)
                self._waiting.add(waiting)
                shot.asking.aim(*self._listeners(waiting))
                return
            self._begin(attempt, shot.begun)
        shot.asking.stop()

    def _listeners(self, waiting: _Waiting) -> tuple[Callable[[bytes], bool], Callable[[], None]]:
        def take(data: bytes) -> bool:
            return self._take(waiting, data)

        def lost() -> None:
            self._lost(waiting)

        return take, lost

    def _begin(self, attempt: Attempt, now: float) -> None:
        upstream = self._group.members[attempt.server]
        waiting = _Waiting(attempt, upstream, self._message(attempt, upstream), now)
        upstream.health.asked(now)
        take, lost = self._listeners(waiting)
        self._waiting.add(waiting)
        if attempt.stream:
            waiting.stop = upstream.streams.ask(waiting.message, take, lost)
            return
        stop = ask_datagram(self._reactor, upstream.address, waiting.message, take, lost)
        if stop is None:
            self._waiting.discard(waiting)
            upstream.health.failed(now)
            self._exchange.failed(attempt)
        else:
            waiting.stop = stop

    def _message(self, attempt: Attempt, upstream: Upstream) -> bytes:
        name = self._plan.question.name
        return render_query(
            self._plan,
            secrets.token_bytes(2),
            # The case of a name is further bits that a forger has to guess (0x20).
            secrets.randbits(8 * len(name)) if attempt.mixed_case else 0,
            edns=attempt.edns,
            padding_block=_TLS_PADDING if upstream.address.tls_name else 0,
        )

    def _take(self, waiting: _Waiting, data: bytes) -> bool:
        """Say whether `data` is the reply to an attempt, and go on with it."""
        reply = parse_reply(data)
        if reply is None or reply.opcode != OPCODE_QUERY or data[:2] != waiting.message[:2]:
            return False
        now = self._reactor.seconds()
        if self._repeats_question(waiting, reply):
            self._exchange.replied(waiting.attempt, reply)
        elif reply.question == self._plan.question and waiting.attempt.mixed_case:
            waiting.upstream.health.case_lost(now)
            self._exchange.case_changed(waiting.attempt)
        else:
            return False
        waiting.upstream.health.answered(now - waiting.begun, now)
        self._forget(waiting)
        self._wake()
        return True

    def _repeats_question(self, waiting: _Waiting, reply: UpstreamReply) -> bool:
        if not reply.question_wire:  # one that could not read the query may leave it out
            return reply.rcode in {FORMERR, NOTIMP}
        asked = waiting.message[HEADER_LENGTH:]
        return asked.startswith(reply.question_wire)

    def _lost(self, waiting: _Waiting) -> None:
        self._forget(waiting)
        waiting.upstream.health.failed(self._reactor.seconds())
        self._exchange.failed(waiting.attempt)
        self._wake()

    def _forget(self, waiting: _Waiting) -> None:
        self._waiting.discard(waiting)
        waiting.stop = _nothing

    def _wake(self) -> None:
        """Go on in the reactor's next turn: sockets are not closed under their own feet."""
        self._sleep_until(0.0)

    def _sleep_until(self, moment: float) -> None:
        delay = max(moment - self._reactor.seconds(), 0.0)
        if self._timer is not None and self._timer.active():
            self._timer.reset(delay)
        elif not self._done:
            self._timer = self._reactor.callLater(delay, self._go_on)

    def _end(self, reply: UpstreamReply | None) -> None:
        if self._done:
            return
        self._done = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        self._measure_the_rest(timed_out=reply is None)
        for waiting in list(self._waiting):
            waiting.stop()
            self._forget(waiting)
        self._ended(reply)

    def _measure_the_rest(self, *, timed_out: bool) -> None:
        now = self._reactor.seconds()
        for waiting in self._waiting:
            if timed_out:
                waiting.upstream.health.failed(now)
            else:
                waiting.upstream.health.outrun(now - waiting.begun)
