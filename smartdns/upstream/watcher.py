"""Ask each upstream now and then whether it answers, and whether it forwards to us."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.task import LoopingCall

from smartdns.answering.loop_probe import NONCE_LENGTH, probe_name, shows_loop
from smartdns.answering.numbers import CLASS_IN, TXT
from smartdns.answering.plan import Forward
from smartdns.answering.query import Question
from smartdns.answering.upstream_reply import UpstreamReply
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.health import Health
from smartdns.upstream.question import PendingQuestion
from smartdns.upstream.sockets import QuerySockets

PROBE_EVERY_S = 300.0


class UpstreamWatcher(Service):
    """Sends probes; an upstream from which one comes back to us is asked no more."""

    def __init__(
        self, reactor: PosixReactorBase, upstreams: Sequence[Upstream], secret: bytes
    ) -> None:
        """Watch `upstreams`; `secret` is what all our workers share."""
        self._reactor = reactor
        self._upstreams = upstreams
        self._secret = secret
        self._silent_at: dict[Upstream, float] = {}
        self._probed = False
        self._sockets = QuerySockets(reactor)
        self._pending: set[PendingQuestion[None]] = set()
        self._round = LoopingCall(self._probe_all)
        self._round.clock = reactor

    def startService(self) -> None:
        """Begin the first round."""
        super().startService()  # type: ignore[no-untyped-call]
        self._round.start(PROBE_EVERY_S)

    def stopService(self) -> None:
        """End, with what is under way."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._round.running:
            self._round.stop()
        for pending in list(self._pending):
            pending.abandon()

    @property
    def ready(self) -> bool:
        """Whether the first round is over: a loop would be known."""
        return self._probed

    def trouble(self) -> list[str]:
        """Say which upstreams lead back to us or are silent, and what to do."""
        lines = []
        for upstream in self._upstreams:
            silent_at = self._silent_at.get(upstream)
            if upstream.health.looped:
                lines.append(
                    f"upstream {upstream.address} forwards to us, a loop: "
                    "name another resolver in MEDIASTREAMER_UPSTREAMS"
                )
            elif silent_at is not None and not upstream.health.answered_since(silent_at):
                lines.append(f"upstream {upstream.address} does not answer")
        return lines

    def failed(self) -> str | None:
        """Say that there is nobody to ask, where every upstream leads back to us."""
        if not self._upstreams or not all(u.health.looped for u in self._upstreams):
            return None
        return self.trouble()[0]

    def _probe_all(self) -> Deferred[object]:
        probes = DeferredList([self._probe(upstream) for upstream in self._upstreams])
        return probes.addCallback(self._round_ended)

    def _round_ended(self, _: object) -> None:
        self._probed = True

    def _probe(self, upstream: Upstream) -> Deferred[None]:
        name = probe_name(secrets.token_bytes(NONCE_LENGTH), self._secret)
        plan = Forward(Question(name, TXT, CLASS_IN), dnssec_ok=False, checking_disabled=False)
        probed: Deferred[None] = Deferred()

        def ended(pending: PendingQuestion[None], reply: UpstreamReply | None) -> None:
            self._pending.discard(pending)
            if reply is None:
                self._silent_at[upstream] = self._reactor.seconds()
            else:
                self._silent_at.pop(upstream, None)
                upstream.health.looped = shows_loop(reply)
            probed.callback(None)

        # With a health of its own, or one that loops would never be asked again.
        group = Group([replace(upstream, health=Health())])
        pending: PendingQuestion[None] = PendingQuestion(self._sockets, group, plan, ended)
        self._pending.add(pending)
        pending.begin()
        return probed
