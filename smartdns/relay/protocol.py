"""One connection from its first octet to its last.

`Opening` waits for the server name, judges it and reaches the origin; `Relayed` then moves
octets both ways until both sides have said their last, one is reset, or nothing happens.
"""

import contextlib
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from twisted.logger import Logger
from twisted.python.failure import Failure

from smartdns.answering.query import Name
from smartdns.contract.grants import Profile
from smartdns.relay.connector import Connecting, ConnectingBySocks5
from smartdns.relay.deadlines import ticks
from smartdns.relay.destinations import Endpoint
from smartdns.relay.dns import Origins
from smartdns.relay.epoll import ENDING, FAILED, READABLE, WRITABLE, Poller
from smartdns.relay.exits import Direct, Socks5
from smartdns.relay.session import Census, Knowledge, Limits, client_network
from smartdns.relay.splice import Flow, Pipes, Stream
from smartdns.wire.client_hello import ClientHelloReader
from smartdns.wire.host_name import Verdict
from smartdns.wire.http_host import HttpHostReader

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_FIRST_READ = 16_384

Reader = ClientHelloReader | HttpHostReader


@dataclass(slots=True, repr=False)
class Relay:
    """What all connections of one worker share."""

    poller: Poller
    knowledge: Knowledge
    limits: Limits
    origins: Origins
    census: Census
    pipes: Pipes
    open: "set[Opening | Relayed]" = field(default_factory=set)
    day: int = 0
    """The UTC day's ordinal, by which grants end."""
    log: Logger = field(default_factory=Logger)


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
        relay = self._relay
        relay.open.add(self)
        deadlines = relay.poller.deadlines
        deadlines.set(self, deadlines.now + ticks(relay.limits.hello))
        self._read()

    def due(self, _tick: int) -> None:
        """It took too long to say a name, or to reach the origin."""
        self.cut()

    def cut(self) -> None:
        """End it; the client learns nothing but that."""
        self._leave()
        self._client.close()
        self._relay.census.leave(client_network(self.address))

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
        if self._is_read:
            self._missed |= mask
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
            self._relay.poller.add(self._client.fileno(), self._ready)

    def _reach(self, name: Name) -> None:
        """Find the way to the origin of that name and connect."""
        relay, port = self._relay, self._port.origin_port
        way_out = relay.knowledge.way_out(name, self._profile)
        if way_out is None:
            self.cut()
            return
        deadlines = relay.poller.deadlines
        deadlines.set(self, deadlines.now + ticks(relay.limits.connect))
        if isinstance(way_out, Socks5):
            self._start(ConnectingBySocks5(relay.poller, name, port, way_out, self._connected))
        elif (known := relay.origins.known(name, port)) is not None:
            self._connect(known, way_out)
        else:
            relay.origins.find(name, port).addCallback(self._connect, way_out).addErrback(
                self._failed
            )

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


class Relayed:
    """Two sockets and the streams between them."""

    __slots__ = ("_active", "_client", "_down", "_origin", "_relay", "_up", "address", "deadline")

    def __init__(
        self,
        relay: Relay,
        client: socket.socket,
        origin: socket.socket,
        address: bytes,
        first: bytearray,
    ) -> None:
        """Let `first`, which the client has sent already, go to the origin before the rest."""
        self.address = address
        self.deadline = -1
        self._active = relay.poller.tick
        self._relay = relay
        self._client = client
        self._origin = origin
        self._up = Stream(client, origin, first)
        self._down = Stream(origin, client)

    def start(self, *, watched: bool, missed: int) -> None:
        """Take over the descriptors; `missed` is what happened to a watched client meanwhile."""
        relay = self._relay
        poller = relay.poller
        relay.open.add(self)
        poller.deadlines.set(self, self._active + ticks(relay.limits.idle))
        poller.ready[self._origin.fileno()] = self._origin_ready
        if watched:
            poller.ready[self._client.fileno()] = self._client_ready
        else:
            poller.add(self._client.fileno(), self._client_ready)
        self._up.ending = bool(missed & ENDING)
        self._turn(self._up)

    def due(self, tick: int) -> None:
        """End it if nothing has happened for long; else be due again later."""
        expires = self._active + ticks(self._limit())
        if tick >= expires:
            self.cut()
        else:
            self._relay.poller.deadlines.set(self, expires)

    def cut(self) -> None:
        """End it at once, with a reset both ways."""
        for end in (self._client, self._origin):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._close()

    def idle_for(self, count: int) -> bool:
        """Say whether nothing has happened for so many ticks."""
        return self._relay.poller.tick - self._active >= count

    def _limit(self) -> float:
        limits = self._relay.limits
        half_closed = self._up.flow is Flow.ENDED or self._down.flow is Flow.ENDED
        return limits.half_closed if half_closed else limits.idle

    def _client_ready(self, mask: int) -> None:
        self._ready(mask, self._client, self._up, self._down)

    def _origin_ready(self, mask: int) -> None:
        self._ready(mask, self._origin, self._down, self._up)

    def _ready(self, mask: int, end: socket.socket, source_of: Stream, sink_of: Stream) -> None:
        self._active = self._relay.poller.deadlines.now
        if mask & ENDING:
            source_of.ending = True
            if mask & FAILED and end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.cut()  # a reset is passed on as one
                return
        if mask & WRITABLE and sink_of.flow is Flow.BLOCKED and not self._turn(sink_of):
            return
        if mask & READABLE and source_of.flow is Flow.DRAINED:
            self._turn(source_of)

    def _turn(self, stream: Stream) -> bool:
        """Let a stream move octets; False once the connection is over."""
        try:
            flow = stream.turn(self._relay.pipes)
            if flow is Flow.ENDED:
                return self._half_close(stream)
        except OSError:
            self.cut()
            return False
        if flow is Flow.UNFINISHED:
            self._relay.poller.again(lambda: self._go_on(stream, flow))
        elif flow is Flow.GATHERING:
            self._relay.poller.soon(lambda: self._go_on(stream, flow))
            if not stream.muted:
                stream.muted = True
                self._relay.poller.mute(stream.source.fileno())
        elif flow is Flow.DRAINED and stream.muted:
            stream.muted = False
            self._relay.poller.listen_to(stream.source.fileno())
        return True

    def _go_on(self, stream: Stream, flow: Flow) -> None:
        if self in self._relay.open and stream.flow is flow:
            self._active = self._relay.poller.deadlines.now
            self._turn(stream)

    def _half_close(self, ended: Stream) -> bool:
        other = self._down if ended is self._up else self._up
        if other.flow is Flow.ENDED:
            self._close()
            return False
        (self._origin if ended is self._up else self._client).shutdown(socket.SHUT_WR)
        deadlines = self._relay.poller.deadlines
        deadlines.set(self, deadlines.now + ticks(self._relay.limits.half_closed))
        return True

    def _close(self) -> None:
        relay = self._relay
        relay.open.discard(self)
        relay.poller.deadlines.clear(self)
        relay.poller.forget(self._client.fileno())
        relay.poller.forget(self._origin.fileno())
        self._client.close()
        self._origin.close()
        self._up.drop(relay.pipes)
        self._down.drop(relay.pipes)
        relay.census.leave(client_network(self.address))
