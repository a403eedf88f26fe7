"""One connection of a client: queries pipelined, answered in whatever order (RFC 7766)."""

from collections import deque
from typing import TYPE_CHECKING, cast

from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IHalfCloseableProtocol,
    IPushProducer,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from smartdns.answering.query import Source
from smartdns.resolver.rendering import STREAM_IDLE_S, Rendered
from smartdns.wire.framing import FrameBuffer, with_length

if TYPE_CHECKING:
    from smartdns.resolver.streams import Streams

_WHOLE_WITHIN_S = 10
"""A query that began must be whole by then, and a reply must have been read."""
_LONGEST_S = 3_600
_STRANGER_S = 5
_MOST_IN_FLIGHT = 64
"""Queries of one connection under way; what is sent beyond stays in the socket."""

_WRITTEN_AT_ONCE = 16_384


@implementer(IPushProducer, IHalfCloseableProtocol)
class Stream(Protocol):
    """One connection: queries in as they come, replies out as they are there."""

    def __init__(self, streams: "Streams", source: Source, key: bytes, *, stranger: bool) -> None:
        """`key` is what `StreamLimits` counted it by."""
        self._streams = streams
        self._source = source
        self._key = key
        self._stranger = stranger
        self._frames = FrameBuffer()
        self._queue: deque[bytes] = deque()
        """Whole queries that wait for their turn; never more than one read brought."""
        self._in_flight = 0
        self._taking = False
        self._unsent = bytearray()
        self._clogged = False
        """The peer does not read: the transport's buffer is full."""
        self._finishing = False
        self._closing = False
        """It was idle for too long."""
        self._held: IDelayedCall | None = None
        """Beyond its network's rate: takes the next query then."""
        self._deadline: IDelayedCall | None = None
        self._last: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Begin with two limits: one that activity puts off, and one that stands."""
        self._streams.open.add(self)
        longest_s = _STRANGER_S if self._stranger else _LONGEST_S
        self._last = self._streams.reactor.callLater(longest_s, self.drop)
        self._tcp.registerProducer(self, True)
        self._allow(STREAM_IDLE_S)

    def dataReceived(self, data: bytes) -> None:
        """Take what is whole; however it was cut up."""
        was_within_a_query = len(self._frames) > 0
        messages = self._frames.add(data)
        self._queue.extend(messages)
        # An octet now and then does not put off the moment by which a query must be whole.
        if messages or not was_within_a_query:
            self._allow(_WHOLE_WITHIN_S if len(self._frames) else STREAM_IDLE_S)
        self._go_on()

    def readConnectionLost(self) -> None:
        """The peer has asked all that it wants to; it still reads."""
        self.finish()

    def writeConnectionLost(self) -> None:
        """The peer reads no more."""
        self.drop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """Forget it; replies still under way go nowhere."""
        self._streams.limits.leave(self._key, stranger=self._stranger)
        self._queue.clear()
        for timer in (self._deadline, self._last, self._held):
            if timer is not None and timer.active():
                timer.cancel()
        self._streams.ended(self)

    def finish(self) -> None:
        """Read no more, answer what was asked, close."""
        self._finishing = True
        self._go_on()

    # The transport consumes our replies: it says when its buffer is full.

    def pauseProducing(self) -> None:
        """The peer does not read: take nothing more until it does, and not for long."""
        self._clogged = True
        self._allow(_WHOLE_WITHIN_S)
        self._go_on()

    def resumeProducing(self) -> None:
        """The peer reads again."""
        self._clogged = False
        self._allow(STREAM_IDLE_S)
        self._go_on()

    def stopProducing(self) -> None:
        """Nothing to stop: `connectionLost` follows."""

    @property
    def _tcp(self) -> "_StreamTransport":
        return cast("_StreamTransport", self.transport)

    def _go_on(self) -> None:
        """Take queries while there is room for their replies; read only when none waits."""
        if self._taking:  # called by a reply that was there at once
            return
        self._taking = True
        if self._queue and (memo := self._streams.memo) is not None:
            memo.look()
        while self._queue and self._has_room() and not self._must_wait():
            self._take(self._queue.popleft())
        self._taking = False
        self._flush()
        if self._queue or self._finishing or not self._has_room():
            self._tcp.pauseProducing()
        else:
            self._tcp.resumeProducing()
        if self._finishing and not self._queue and not self._in_flight:
            self._tcp.loseConnection()

    def _has_room(self) -> bool:
        return not self._clogged and self._in_flight < _MOST_IN_FLIGHT

    def _must_wait(self) -> bool:
        """Count the next query; beyond the rate it stays here, and what follows in the socket."""
        if self._held is None:
            streams, address = self._streams, self._source.address
            network = (streams.memo or streams.responder).network_of(address)
            if seconds := streams.responder.wait_s(address, network):
                self._held = streams.reactor.callLater(seconds, self._let_go)
        return self._held is not None

    def _let_go(self) -> None:
        self._held = None
        self._allow(_WHOLE_WITHIN_S)  # while it had to wait nothing was expected of the peer
        self._go_on()

    def _take(self, message: bytes) -> None:
        memo = self._streams.memo
        view = None if memo is None else memo.view_of(self._source.address)
        if memo is not None and view is not None:
            remembered = memo.reply(message, view)
            if remembered is not None:
                self._send(remembered)
                return

        def answered(reply: Rendered) -> None:
            self._in_flight -= 1
            if memo is not None and view is not None:
                memo.learn(message, view, reply)
            if self in self._streams.open:
                self._send(reply.octets)
                self._go_on()

        self._in_flight += 1
        if not self._streams.responder.respond(message, self._source, answered):
            self._in_flight -= 1
            self.drop()  # a stub resolver sends nothing that deserves no reply

    def _send(self, octets: bytes) -> None:
        self._unsent += with_length(octets)
        if len(self._unsent) > _WRITTEN_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        """Write replies together: a system call and a segment for each would cost more than they.

        It may find that the peer does not read, which calls `pauseProducing`.
        """
        if self._unsent:
            unsent, self._unsent = bytes(self._unsent), bytearray()
            self._tcp.write(unsent)

    def _allow(self, seconds: float) -> None:
        """Drop the connection in so many seconds, unless something happens before."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.reset(seconds)
        elif self in self._streams.open:
            self._deadline = self._streams.reactor.callLater(seconds, self._overdue)

    def _overdue(self) -> None:
        waits = self._queue or (self._in_flight and not len(self._frames))
        if waits and not self._clogged:
            self._allow(STREAM_IDLE_S)  # for us
        elif self._clogged or len(self._frames) or self._closing:
            self.drop()
        else:
            self._closing = True
            self._tcp.loseConnection()
            self._allow(_WHOLE_WITHIN_S)  # over TLS the peer has to agree, and may be gone

    def drop(self) -> None:
        """Close without waiting for anything."""
        self._tcp.abortConnection()


class _StreamTransport(ITCPTransport, IPushProducer, IConsumer):
    """What a connection of Twisted's is, plain or over TLS; no one interface says so."""
