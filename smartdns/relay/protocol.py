"""A connection that has reached its origin: octets go both ways until nobody has more.

It ends when both sides have said their last, when one is reset, when nothing happens for long,
or when its address is let in no longer.
"""

import contextlib
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from twisted.logger import Logger

from smartdns.relay.deadlines import ticks
from smartdns.relay.dns import Origins
from smartdns.relay.epoll import ENDING, FAILED, READABLE, WRITABLE, Poller
from smartdns.relay.session import Census, Knowledge, Limits, client_network
from smartdns.relay.splice import Flow, Pipes, Stream

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection(Protocol):
    """A client's connection, whether its origin is reached or not."""

    address: bytes
    """4 or 16 octets."""

    def cut(self) -> None:
        """End it at once."""

    def idle_for(self, count: int) -> bool:
        """Say whether nothing has happened for so many ticks, so that it may end."""


@dataclass(slots=True, repr=False)
class Relay:
    """What all connections of one worker share."""

    poller: Poller
    knowledge: Knowledge
    limits: Limits
    origins: Mapping[str, Origins]
    """Of each exit that has some: what is known by way of one is never used for another."""
    census: Census
    pipes: Pipes
    open: set[Connection] = field(default_factory=set)
    day: int = 0
    """The UTC day's ordinal, by which grants end."""
    log: Logger = field(default_factory=Logger)


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
        if missed & READABLE:
            self._turn(self._up)
        else:  # to be told when there is more is cheaper than to ask
            self._begin()

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

    def _begin(self) -> None:
        try:
            self._up.begin(self._relay.pipes)
        except OSError:
            self.cut()

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
