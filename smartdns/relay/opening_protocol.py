"""A connection whose origin is not reached yet: who it is for, and the way there."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.python.failure import Failure

from smartdns.answering.query import Name
from smartdns.contract.grants import Profile
from smartdns.relay.connector import Connecting, ConnectingBySocks5
from smartdns.relay.deadlines import ticks
from smartdns.relay.destinations import Endpoint, endpoint_of
from smartdns.relay.epoll import FAILED, READABLE
from smartdns.relay.exits import Socks5
from smartdns.relay.protocol import Relay, Relayed
from smartdns.relay.session import CheckOrigin, client_network
from smartdns.upstream.egress import Direct
from smartdns.wire.client_hello import ClientHelloReader
from smartdns.wire.host_name import Verdict
from smartdns.wire.http_host import HttpHostReader

_FIRST_READ = 16_384

Reader = ClientHelloReader | HttpHostReader


@dataclass(frozen=True, slots=True)
class Port:
    """What is spoken on a listening socket, and where that goes."""

    reader: Callable[[], Reader]
    origin_port: int


class Opening:
    """A connection whose origin is not connected yet."""

    __slots__ = (
        "_client", "_connecting", "_is_read", "_missed", "_port", "_profile", "_reader", "_relay",
        "_watched", "address", "deadline",
    )  # fmt: skip

    def __init__(
        self, relay: Relay, client: socket.socket, address: bytes, profile: Profile, port: Port
    ) -> None:
        self.address = address
        self.deadline = -1
        self._relay = relay
        self._client = client
        self._profile = profile
        self._port = port
        self._reader = port.reader()
        self._connecting: Connecting | ConnectingBySocks5 | None = None
        self._is_read = False
        self._missed = 0
        self._watched = False

    def start(self) -> None:
        """Read at once: the first octets often came with the connection."""
        self._relay.open.add(self)
        self._read()

    def due(self, _tick: int) -> None:
        """It took too long to say a name, or to reach the origin."""
        self.cut()

    def cut(self) -> None:
        """End it; the client learns nothing but that."""
        self._leave()
        self._client.close()
        self._relay.census.leave(client_network(self.address))

    def idle_for(self, _count: int) -> bool:
        """Part of `Connection`: nothing of it has reached anybody."""
        return True

    def _leave(self) -> None:
        relay = self._relay
        relay.open.discard(self)
        relay.poller.deadlines.clear(self)
        if self._watched:
            relay.poller.forget(self._client.fileno())
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None

    def _ready(self, mask: int) -> None:
        self._missed |= mask  # the end may have come with the name, and no edge follows it
        if self._is_read:
            if mask & FAILED and self._client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.cut()
        elif mask & READABLE:
            self._read()

    def _read(self) -> None:
        outcome: Name | Verdict = Verdict.NOT_YET
        try:
            while outcome is Verdict.NOT_YET:
                data = self._client.recv(_FIRST_READ)
                outcome = self._reader.feed(data) if data else Verdict.NEVER
        except BlockingIOError:
            self._watch()
        except OSError:
            self.cut()
        else:
            if isinstance(outcome, Verdict):
                self.cut()
            else:
                self._is_read = True
                self._reach(outcome)

    def _watch(self) -> None:
        if not self._watched:
            self._watched = True
            relay = self._relay
            relay.poller.add(self._client.fileno(), self._ready)
            relay.poller.deadlines.set(self, relay.poller.tick + ticks(relay.limits.hello))

    def _reach(self, name: Name) -> None:
        """Find the way to the origin of that name and connect."""
        relay, port = self._relay, self._port.origin_port
        if (check := relay.knowledge.check) is not None and check.covers(name):
            self._check(check)
            return
        key = relay.knowledge.way_out(name, self._profile)
        if key is None:
            self.cut()
            return
        way_out = relay.knowledge.exits[key]
        deadlines = relay.poller.deadlines
        deadlines.set(self, deadlines.now + ticks(relay.limits.connect))
        if isinstance(way_out, Socks5):
            self._start(ConnectingBySocks5(relay.poller, name, port, way_out, self._connected))
            return
        origins = relay.origins[key]
        if (known := origins.known(name, port)) is not None:
            self._connect(known, way_out)
        else:
            finding = origins.find(name, port)
            finding.addCallback(self._connect, way_out).addErrback(self._failed)

    def _check(self, check: CheckOrigin) -> None:
        """Go where the picture is: the operator named it, so it is not judged as an origin."""
        relay = self._relay
        relay.poller.deadlines.set(self, relay.poller.deadlines.now + ticks(relay.limits.connect))
        where = (endpoint_of(check.where.address),)
        self._start(Connecting(relay.poller, where, check.where.port, Direct(), self._connected))

    def _connect(self, endpoints: Sequence[Endpoint], way_out: Direct) -> None:
        if self in self._relay.open:
            port = self._port.origin_port
            self._start(Connecting(self._relay.poller, endpoints, port, way_out, self._connected))

    def _start(self, connecting: Connecting | ConnectingBySocks5) -> None:
        self._connecting = connecting
        connecting.start()

    def _connected(self, origin: socket.socket | None) -> None:
        self._connecting = None
        if origin is None:
            self.cut()
            return
        relay = self._relay
        relay.open.discard(self)
        relay.poller.deadlines.clear(self)
        relayed = Relayed(relay, self._client, origin, self.address, self._reader.received)
        relayed.start(watched=self._watched, missed=self._missed)

    def _failed(self, failure: Failure) -> None:
        self._relay.log.failure("an origin could not be looked up", failure)
        if self in self._relay.open:
            self.cut()
