"""Finds out by probes which upstreams are alive, and which of them forward to us."""

import secrets
from collections.abc import Mapping

from twisted.application.service import Service
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.task import LoopingCall

from smartdns.answering.query import Name
from smartdns.answering.rules.loop_probe import NONCE_LENGTH, probe_name
from smartdns.upstream.group import Group
from smartdns.upstream.probe import Probe
from smartdns.upstream.sockets import QuerySockets

_LOOK_EVERY_S = 0.25
"""How often the watcher checks which probes are due; `Health` decides when one is due."""
_LOOP_NAME_LASTS_S = 300.0
"""Seconds for which a name is used: so an upstream answers the second probe from its cache."""


class UpstreamWatcher(Service):
    """Sends the probes that are due, and reports upstreams that are silent or loop."""

    def __init__(
        self, reactor: PosixReactorBase, groups: Mapping[Name, Group], secret: bytes | None
    ) -> None:
        """Watch `groups`, by the apex of the names that each is asked about.

        `secret` has 16 octets that all our workers share; None: do not look for loops.
        """
        self._reactor = reactor
        self._sockets = QuerySockets(reactor)
        self._apexes = {each: apex for apex, group in groups.items() for each in group.members}
        self._secret = secret
        self._loop_name: Name | None = None
        self._loop_name_until = 0.0
        self._unjudged = set(self._apexes)
        self._probes: set[Probe] = set()
        self._looks = LoopingCall(self._send_what_is_due)
        self._looks.clock = reactor

    def startService(self) -> None:
        """Send the first probes, and later ones when they are due."""
        super().startService()  # type: ignore[no-untyped-call]
        self._looks.start(_LOOK_EVERY_S)

    def stopService(self) -> None:
        """Stop, and abandon the probes that are under way."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._looks.running:
            self._looks.stop()
        for probe in self._probes:
            probe.abandon()
        self._probes.clear()
        self._sockets.close()

    @property
    def ready(self) -> bool:
        """Whether each upstream's first probe has ended: loops and silent ones are known."""
        return not self._unjudged

    def trouble(self) -> list[str]:
        """Say which upstreams forward to us or are silent, and what to do."""
        lines = []
        for upstream in self._apexes:
            if upstream.health.looped:
                lines.append(
                    f"upstream {upstream.address} forwards to us, a loop: "
                    "name another resolver in MEDIASTREAMER_UPSTREAMS"
                )
            elif upstream.health.doubted:
                lines.append(f"upstream {upstream.address} does not answer")
        return lines

    def failed(self) -> str | None:
        """Give an error if every upstream forwards to us, so that none can be asked."""
        if not self._apexes or not all(upstream.health.looped for upstream in self._apexes):
            return None
        return self.trouble()[0]

    def _send_what_is_due(self) -> None:
        now = self._reactor.seconds()
        for upstream, apex in self._apexes.items():
            if upstream.health.probe_is_due(now):
                name = self._name_for_loops(now)
                self._probes.add(Probe(self._sockets, upstream, apex, name, self._ended))

    def _ended(self, probe: Probe) -> None:
        self._probes.discard(probe)
        self._unjudged.discard(probe.upstream)

    def _name_for_loops(self, now: float) -> Name | None:
        if self._secret is not None and now >= self._loop_name_until:
            self._loop_name = probe_name(secrets.token_bytes(NONCE_LENGTH), self._secret)
            self._loop_name_until = now + _LOOP_NAME_LASTS_S
        return self._loop_name
