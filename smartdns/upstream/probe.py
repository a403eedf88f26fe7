"""A probe: two questions to one upstream. Any reply to them shows that it is alive.

    SOA of an apex             the root, or a suffix for the upstreams of that suffix
    TXT of a generated name    the reply shows whether the upstream forwards to us (a loop)

No client can choose or delay these questions: a resolver has the first one's answer in its cache,
and the second one's once it was asked. There are two, since some resolvers drop questions about
the root, and others drop questions about public names.
"""

from collections.abc import Callable
from dataclasses import replace

from smartdns.answering.numbers import CLASS_IN, SOA, TXT
from smartdns.answering.plan import Forward
from smartdns.answering.query import Name, Question
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.answering.rules.loop_probe import shows_loop
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.health import Health
from smartdns.upstream.question import PendingQuestion
from smartdns.upstream.sockets import QuerySockets

PROBE_BUDGET_S = 2.5
"""Seconds: enough for three datagrams, and for a connection without replies to be dropped, so that
the next probe makes another connection."""


class Probe:
    """One probe under way; its result goes to the upstream's `Health`."""

    def __init__(
        self,
        sockets: QuerySockets,
        upstream: Upstream,
        apex: Name,
        loop_name: Name | None,
        ended: Callable[["Probe"], None],
    ) -> None:
        """Ask `upstream` about `apex` and `loop_name` (unless None); call `ended` at the end."""
        self.upstream = upstream
        self._sockets, self._loop_name, self._ended = sockets, loop_name, ended
        self._begun = sockets.reactor.seconds()
        self._heard = False
        self._under_way: set[PendingQuestion[None]] = set()
        upstream.health.probe_begun(self._begun)
        if loop_name is not None:
            self._ask(Question(loop_name, TXT, CLASS_IN))
        self._ask(Question(apex, SOA, CLASS_IN))

    def abandon(self) -> None:
        """End without a result; `ended` is not called."""
        given_up, self._under_way = self._under_way, set()
        for pending in given_up:
            pending.abandon()

    def _ask(self, question: Question) -> None:
        health = Health()  # a separate one: with its own, an upstream that loops is never asked
        group = Group([replace(self.upstream, health=health)])
        plan = Forward(question, dnssec_ok=False, checking_disabled=False)

        def ended(pending: PendingQuestion[None], reply: UpstreamReply | None) -> None:
            if pending not in self._under_way:  # abandoned
                return
            self._under_way.remove(pending)
            if health.heard_since(self._begun):
                self._heard = True
                self.upstream.health.heard(self._sockets.reactor.seconds())
            if reply is not None and question.name == self._loop_name:
                self._judge_loop(reply)
            if not self._under_way:
                self._end()

        pending: PendingQuestion[None] = PendingQuestion(
            self._sockets, group, plan, ended, PROBE_BUDGET_S
        )
        self._under_way.add(pending)
        self._sockets.reactor.callLater(0, pending.begin)

    def _judge_loop(self, reply: UpstreamReply) -> None:
        self.upstream.health.looped = shows_loop(reply)
        if self.upstream.health.looped:
            self.abandon()  # the other question would loop

    def _end(self) -> None:
        if not self._heard:
            self.upstream.health.probe_lost(self._begun)
        self._ended(self)
