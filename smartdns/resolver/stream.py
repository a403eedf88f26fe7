"""One connection of a client: queries are pipelined and answered in any order (RFC 7766)."""

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
"""Seconds within which a query must have come completely, or a reply must have been read."""
_LONGEST_S = 3_600
_STRANGER_S = 5
_MOST_IN_FLIGHT = 64
"""Queries of one connection under way; further ones stay in the socket."""

_WRITTEN_AT_ONCE = 16_384


@implementer(IPushProducer, IHalfCloseableProtocol)
class Stream(Protocol):
    """One connection: takes queries as they come, sends replies as they are ready."""

    def __init__(self, streams: "Streams", source: Source, key: bytes, *, stranger: bool) -> None:
        """`key` is the one under which `StreamLimits` counted this connection."""
        self._streams = streams
        self._source = source
        self._key = key
        self._stranger = stranger
        self._frames = FrameBuffer()
        self._queue: deque[bytes] = deque()
        """Complete queries that wait for their turn; never more than one read brought."""
        self._in_flight = 0
        self._taking = False
        self._unsent = bytearray()
        self._clogged = False
        """The peer does not read: the transport's buffer is full."""
        self._finishing = False
        self._closing = False
        """The connection was idle for too long."""
        self._held: IDelayedCall | None = None
        """The network exceeded its rate; this call takes the next query when it may."""
        self._deadline: IDelayedCall | None = None
        self._last: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Start two timers: an idle timeout, which activity restarts, and a final one."""
        self._streams.open.add(self)
        longest_s = _STRANGER_S if self._stranger else _LONGEST_S
        self._last = self._streams.reactor.callLater(longest_s, self.drop)
        self._tcp.registerProducer(self, True)
        self._allow(STREAM_IDLE_S)

    def dataReceived(self, data: bytes) -> None:
        """Take the queries that are complete, however TCP has split them."""
        was_within_a_query = len(self._frames) > 0
        messages = self._frames.add(data)
        self._queue.extend(messages)
        # Single octets do not extend the time within which a query must be complete.
        if messages or not was_within_a_query:
            self._allow(_WHOLE_WITHIN_S if len(self._frames) else STREAM_IDLE_S)
        self._go_on()

    def readConnectionLost(self) -> None:
        """The peer sends no more queries, but still reads: answer what it asked."""
        self.finish()

    def writeConnectionLost(self) -> None:
        """The peer reads no more: drop the connection."""
        self.drop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:  # noqa: ARG002
        """Forget the connection; replies still under way are not sent."""
        self._streams.limits.leave(self._key, stranger=self._stranger)
        self._queue.clear()
        for timer in (self._deadline, self._last, self._held):
            if timer is not None and timer.active():
                timer.cancel()
        self._streams.ended(self)

    def finish(self) -> None:
        """Read no more, answer the queries taken, close."""
        self._finishing = True
        self._go_on()

    # This is the producer of replies: the transport says when its buffer is full.

    def pauseProducing(self) -> None:
        """The peer does not read: take no more queries; drop it if that lasts."""
        self._clogged = True
        self._allow(_WHOLE_WITHIN_S)
        self._go_on()

    def resumeProducing(self) -> None:
        """The peer reads again."""
        self._clogged = False
        self._allow(STREAM_IDLE_S)
        self._go_on()

    def stopProducing(self) -> None:
        """Do nothing: `connectionLost` follows."""

    @property
    def _tcp(self) -> "_StreamTransport":
        return cast("_StreamTransport", self.transport)

    def _go_on(self) -> None:
        """Take queries while there is room for their replies; read only when none waits."""
        if self._taking:  # called by a reply that came at once
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
        """Count the next query; above the rate it waits here, and later ones in the socket."""
        if self._held is None:
            streams, address = self._streams, self._source.address
            network = (streams.memo or streams.responder).network_of(address)
            if seconds := streams.responder.wait_s(address, network):
                self._held = streams.reactor.callLater(seconds, self._let_go)
        return self._held is not None

    def _let_go(self) -> None:
        self._held = None
        self._allow(_WHOLE_WITHIN_S)  # the peer could do nothing while it had to wait
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
            self.drop()  # a stub resolver never sends such a message

    def _send(self, octets: bytes) -> None:
        self._unsent += with_length(octets)
        if len(self._unsent) > _WRITTEN_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        """Write replies together: a system call and a segment for each would cost too much.

        If the peer does not read, the transport calls `pauseProducing` from here.
        """
        if self._unsent:
            unsent, self._unsent = bytes(self._unsent), bytearray()
            self._tcp.write(unsent)

    def _allow(self, seconds: float) -> None:
        """Set the idle timeout to `seconds` from now; then `_overdue` is called."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.reset(seconds)
        elif self in self._streams.open:
            self._deadline = self._streams.reactor.callLater(seconds, self._overdue)

    def _overdue(self) -> None:
        waits = self._queue or (self._in_flight and not len(self._frames))
        if waits and not self._clogged:
            self._allow(STREAM_IDLE_S)  # the peer waits for our replies
        elif self._clogged or len(self._frames) or self._closing:
            self.drop()
        else:
            self._closing = True
            self._tcp.loseConnection()
            self._allow(_WHOLE_WITHIN_S)  # over TLS the peer must confirm, and may be gone

    def drop(self) -> None:
        """Close without waiting for anything."""
        self._tcp.abortConnection()


class _StreamTransport(ITCPTransport, IPushProducer, IConsumer):
    """The interfaces of a Twisted transport, plain or TLS; Twisted has no single one for both."""
