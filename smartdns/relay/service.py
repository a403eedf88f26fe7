"""The relay as a Twisted service: when it begins to accept, whom it cuts off, how it stops."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from smartdns.relay.admission import Admission
from smartdns.relay.census import Census
from smartdns.relay.connection import Event, patience_of
from smartdns.relay.connector import Connector
from smartdns.relay.deadlines import ticks
from smartdns.relay.epoll import Poller
from smartdns.relay.listener import Listener, Listening
from smartdns.relay.origins import Origins
from smartdns.relay.splice import Pipes
from smartdns.relay.transport import Context

_EACH_SECOND = ticks(1.0)


class RelayService(Service):
    """One worker's relay on sockets that listen already: what comes early waits in the kernel."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        admission: Admission,
        origins: Mapping[str, Origins],
        listening: Sequence[Listening],
    ) -> None:
        """Take the origins by region, one for each region whose names are looked up here."""
        limits, poller = admission.limits, Poller(loop)
        connector = Connector(poller, admission.egresses, origins)
        patience = patience_of(limits.hello, limits.connect, limits.idle, limits.half_closed)
        self.context = Context(
            poller, admission, connector, Pipes(limits.pipes), patience, Census(limits)
        )
        self.accepting = False
        self._listening = listening
        self._listener = Listener(self.context, listening)
        self._checked: tuple[int, int, bool] | None = None
        self._drain_until: int | None = None
        self._drained: Deferred[None] = Deferred()

    def startService(self) -> None:
        """Accept once the allowlist has been read: before, everybody would be a stranger."""
        super().startService()  # type: ignore[no-untyped-call]
        self.context.poller.tick_hooks.append(self._tick)
        self.context.poller.start()
        self._tick()

    def stopService(self) -> Deferred[None]:
        """Accept no more, and wait `RelayLimits.drain` at most for connections to end."""
        super().stopService()  # type: ignore[no-untyped-call]
        self._listener.stop()
        self.accepting = False
        drain = ticks(self.context.admission.limits.drain)
        self._drain_until = self.context.poller.tick + drain
        self._drain(self._drain_until)
        return self._drained

    def report(self) -> dict[str, object]:
        """Give what `status` shows of a worker; counts of connections are not among it."""
        listen = [f"tcp://{one.bound_to}" for one in self._listening]
        return {"listen": listen, "ready": self.accepting}

    def metrics(self) -> dict[str, float]:
        """Give nothing: a relay counts nothing for metrics."""
        return {}

    def _tick(self) -> None:
        context = self.context
        context.day = utc_day()
        if self._drain_until is not None:
            self._drain(self._drain_until)
        elif self.accepting:
            self._listener.tick()
        elif context.admission.allowlist.loaded:
            self._listener.start()
            self.accepting = True
        if context.poller.tick % _EACH_SECOND == 0:
            context.pipes.tick()
            self._cut_removed()

    def _cut_removed(self) -> None:
        """End the connections of addresses that are no longer let in."""
        admission, day = self.context.admission, self.context.day
        allowlist = admission.allowlist
        if self._checked == (state := (allowlist.generation, day, allowlist.loaded)):
            return
        self._checked = state
        let_in: dict[bytes, bool] = {}
        for one in self.context.census:
            if one.address not in let_in:
                let_in[one.address] = admission.still_lets_in(one.address, day)
            if not let_in[one.address]:
                one.tell(Event.REMOVED)

    def _drain(self, until: int) -> None:
        context = self.context
        event = Event.STOPPED if context.poller.tick >= until else Event.STOPPING
        for one in context.census:
            one.tell(event)
        if not context.census.total and not self._drained.called:
            context.poller.stop()
            context.pipes.close()
            self._drained.callback(None)


def utc_day() -> int:
    """Give the UTC day's ordinal, the only thing that goes by wall time."""
    return datetime.now(UTC).toordinal()
