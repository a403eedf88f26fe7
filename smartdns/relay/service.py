"""The relay as a Twisted service: when it begins to accept, whom it cuts, how it ends."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from smartdns.relay.deadlines import ticks
from smartdns.relay.dns import Origins
from smartdns.relay.epoll import Poller
from smartdns.relay.opening_protocol import Port
from smartdns.relay.protocol import Relay
from smartdns.relay.session import Census, Knowledge, Limits
from smartdns.relay.splice import Pipes
from smartdns.relay.tcp import Listener, Listening
from smartdns.wire.client_hello import ClientHelloReader
from smartdns.wire.http_host import HttpHostReader

_EACH_SECOND = ticks(1.0)


class RelayService(Service):
    """One worker's relay on sockets that listen already: what comes early waits in the kernel."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        knowledge: Knowledge,
        origins: Mapping[str, Origins],
        listening: Sequence[Listening],
        limits: Limits,
    ) -> None:
        self.relay = Relay(
            Poller(loop), knowledge, limits, origins, Census(limits), Pipes(limits.pipes)
        )
        self.accepting = False
        self._listening = listening
        self._listener = Listener(self.relay, listening)
        self._checked: tuple[int, int, bool] | None = None
        self._drain_until: int | None = None
        self._drained: Deferred[None] = Deferred()

    def startService(self) -> None:
        """Accept once the allowlist has been read: before, everybody would be a stranger."""
        super().startService()  # type: ignore[no-untyped-call]
        self.relay.poller.tick_hooks.append(self._tick)
        self.relay.poller.start()
        self._tick()

    def stopService(self) -> Deferred[None]:
        """Accept no more, let what is under way end, and cut it when `Limits.drain` is over."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._listener.stop()
        self.accepting = False
        self._drain_until = self.relay.poller.tick + ticks(self.relay.limits.drain)
        self._drain()
        return self._drained

    def report(self) -> dict[str, object]:
        """Give what `status` shows of a worker; counts of connections are not among it."""
        listen = [f"tcp://{one.bound_to}" for one in self._listening]
        return {"listen": listen, "ready": self.accepting}

    def _tick(self) -> None:
        relay = self.relay
        relay.day = utc_day()
        if self._drain_until is not None:
            self._drain()
        elif self.accepting:
            self._listener.tick()
        elif relay.knowledge.allowlist.loaded:
            self._listener.start()
            self.accepting = True
        if relay.poller.tick % _EACH_SECOND == 0:
            relay.pipes.tick()
            self._cut_removed()

    def _cut_removed(self) -> None:
        """Cut the connections of addresses that are no longer let in."""
        allowlist, day = self.relay.knowledge.allowlist, self.relay.day
        if self._checked == (state := (allowlist.generation, day, allowlist.loaded)):
            return
        self._checked = state
        known: dict[bytes, bool] = {}
        for one in list(self.relay.open):
            if one.address not in known:
                known[one.address] = allowlist.lookup(one.address, day) is not None
            if not known[one.address]:
                one.cut()

    def _drain(self) -> None:
        relay = self.relay
        over = self._drain_until is not None and relay.poller.tick >= self._drain_until
        for one in list(relay.open):
            if over or one.idle_for(_EACH_SECOND):
                one.cut()
        if not relay.open and not self._drained.called:
            relay.poller.stop()
            relay.pipes.close()
            self._drained.callback(None)


def tls_port(origin_port: int = 443) -> Port:
    """TLS, told apart by the server name of the ClientHello."""
    return Port(ClientHelloReader, origin_port)


def http_port(origin_port: int = 80) -> Port:
    """HTTP/1, told apart by the Host of the first request."""
    return Port(HttpHostReader, origin_port)


def utc_day() -> int:
    """Give the UTC day's ordinal, the only thing that goes by wall time."""
    return datetime.now(UTC).toordinal()
