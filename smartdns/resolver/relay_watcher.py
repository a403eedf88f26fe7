"""Connects to each relay address regularly, so that replies name only relays that are up."""

from collections.abc import Callable, Mapping, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IProtocol, ITCPTransport
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall

from smartdns.answering.knowledge import RelayAddresses
from smartdns.answering.rules.relay_health import RelayHealth, relays_to_answer
from smartdns.contract.addresses import Address

CHECK_EVERY_S = 5.0
_CONNECT_TIMEOUT_S = 2
STARTS_WITHIN_S = 30.0
"""Of a relay that never took a connection nothing is said for so long: it may be starting, too."""


class RelayWatcher(Service):
    """Checks all relays in rounds; calls `changed` when the addresses to answer have changed."""

    def __init__(
        self,
        reactor: PosixReactorBase,
        relays: Mapping[str, Sequence[Address]],
        port: int,
        changed: Callable[[dict[str, RelayAddresses]], None],
    ) -> None:
        """Check `relays` (region -> addresses) at `port`; 0: check none, all count as up."""
        self._reactor = reactor
        self._relays = relays
        self._port = port
        self._changed = changed
        self._health = {address: RelayHealth() for group in relays.values() for address in group}
        self._round = LoopingCall(self._check_all)
        self._round.clock = reactor
        self._checking: list[Deferred[bool]] = []
        self._seen: set[Address] = set()
        self._since = reactor.seconds()

    def startService(self) -> None:
        """Start the first round."""
        super().startService()  # type: ignore[no-untyped-call]
        if self._port:
            self._round.start(CHECK_EVERY_S)

    def stopService(self) -> None:
        """Stop, and cancel the connections that are being made."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._round.running:
            self._round.stop()
        for checking in self._checking:
            checking.cancel()

    def trouble(self) -> list[str]:
        """Say which relays do not answer."""
        started = self._reactor.seconds() - self._since >= STARTS_WITHIN_S
        return [
            f"relay {address} takes no connection at port {self._port}"
            for address, health in self._health.items()
            if not health.up and (started or address in self._seen)
        ]

    @property
    def ready(self) -> bool:
        """Say yes: before the first round ends, all relays count as up."""
        return True

    def failed(self) -> None:
        """Give None always: even with all relays down, the resolver goes on."""

    def _check_all(self) -> Deferred[None]:
        self._checking = [self._check(address) for address in self._health]
        return gatherResults(self._checking).addCallback(self._conclude)

    def _check(self, address: Address) -> Deferred[bool]:
        kind = TCP4ClientEndpoint if address.version == 4 else TCP6ClientEndpoint
        endpoint = kind(self._reactor, str(address), self._port, timeout=_CONNECT_TIMEOUT_S)
        factory = Factory.forProtocol(Protocol)
        factory.noisy = False
        return endpoint.connect(factory).addCallbacks(_accepted, lambda _: False)

    def _conclude(self, results: list[bool]) -> None:
        now = self._reactor.seconds()
        changes = [
            health.checked(accepts=accepts, now=now)
            for health, accepts in zip(self._health.values(), results, strict=True)
        ]
        # One that has just begun to take connections is not up yet: it may still be starting.
        self._seen |= {
            address
            for (address, health), accepts in zip(self._health.items(), results, strict=True)
            if accepts and health.up
        }
        if any(changes) and self.running:
            self._changed(relays_to_answer(self._relays, self._health))


def _accepted(protocol: IProtocol) -> bool:
    transport = protocol.transport  # type: ignore[attr-defined]
    ITCPTransport(transport).abortConnection()
    return True
