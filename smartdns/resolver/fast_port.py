"""The reactor's side of the fast path: a UDP socket with its hot thread.

What the hot thread could not answer is answered here by the same `Responder` as on the plain
path. Where a query has the common form its *canonical* query is what is asked, so the reply fits
all of that kind: it is adapted to the one who asked, and learned.
"""

import os
import socket
import struct
import sys
from collections.abc import Sequence
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from smartdns.answering.numbers import HEADER_LENGTH
from smartdns.answering.query import Source
from smartdns.resolver.hot_thread import HotThread
from smartdns.resolver.mmsg import DatagramBatch, WayBack
from smartdns.resolver.rendering import Rendered
from smartdns.resolver.responder import Responder
from smartdns.resolver.second_look import Epoch, Miss, SecondLook, today
from smartdns.resolver.short_cut import ShortCut, Where
from smartdns.resolver.template import make_template
from smartdns.resolver.templates import ServerCookies

MOST_HANDED_OVER: Final = 8_192
"""Misses that may wait for the reactor; beyond it they are lost, as in a full socket."""
SWITCH_S: Final = 0.0005
"""How long the reactor may hold the GIL while the hot thread wants it; Python's default of 5 ms
would add just that to a reply's latency whenever the reactor is busy."""
_IP_PKTINFO: Final = 8  # ip(7)
_IPV6_RECVPKTINFO: Final = 49
_IPV6_PKTINFO: Final = 50  # RFC 3542; Linux
_DATA_AT: Final = 16  # behind struct cmsghdr
_IN6_PEER: Final = struct.Struct("!2xHI16sI")


def listen_fast(
    reactor: PosixReactorBase, bound: socket.socket, responder: Responder
) -> "FastPort":
    """Answer what comes to `bound`, which stays the caller's."""
    port = FastPort(reactor, bound, responder)
    port.start_reading()
    return port


class FastPort:
    """One UDP socket; like a port of Twisted's it stops reading first and closes later."""

    def __init__(
        self, reactor: PosixReactorBase, bound: socket.socket, responder: Responder
    ) -> None:
        self._reactor = reactor
        self._responder = responder
        self._socket = bound.dup()
        multihomed = _asks_which_address(self._socket)
        limits = responder.limits
        self._cookies = ServerCookies(responder.cookie_secret)
        look = SecondLook(
            DatagramBatch(self._socket, multihomed=multihomed),
            responder.knowledge,
            limits.clients,
            limits.strangers,
            self._cookies,
            self._epoch,
        )
        self._short_cut = ShortCut(
            responder, self._cookies, self._where, self._send_to, self._answer, self._hand_over
        )
        self._thread = HotThread(look, self._short_cut.ask, thread_ended, responder.clock)
        self._handed_over = 0
        self._taken_over = 0
        self._open = True
        self._today = today
        responder.on_change(self._thread.look_up)

    @property
    def remembered(self) -> int:
        """Datagrams for which nothing had to be decided anew."""
        return self._thread.taken - self._handed_over - self._short_cut.asked

    def start_reading(self) -> None:
        """Start the thread."""
        sys.setswitchinterval(SWITCH_S)
        self._thread.start(self._socket)

    def forget_askers(self) -> None:
        """Keep nothing of who asked until now."""
        self._thread.forget_askers()

    def stopReading(self) -> Deferred[None]:  # noqa: N802 - as Twisted's ports have it
        """Take no more queries; what was taken is still answered."""
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._thread.stop)

    def stopListening(self) -> None:  # noqa: N802
        """Close; the caller's socket stays open."""
        self._open = False
        self._socket.close()

    def _epoch(self) -> Epoch:
        return self._responder.grants, self._responder.generation, self._today()

    def _hand_over(self, misses: Sequence[Miss]) -> None:
        """Called from the hot thread."""
        if self._handed_over - self._taken_over < MOST_HANDED_OVER:
            self._handed_over += len(misses)
            self._reactor.callFromThread(self._take_over, misses)

    def _take_over(self, misses: Sequence[Miss]) -> None:
        self._taken_over += len(misses)
        for miss in misses:
            self._answer(miss)

    def _answer(self, miss: Miss) -> None:
        second = int(self._responder.clock())
        query = miss.query
        data = miss.data if query is None else miss.data[:2] + query.canonical
        answered = self._responder.respond(data, _source(miss), miss.verdict)
        if isinstance(answered, Deferred):
            answered.addCallback(self._send, miss, second)
        else:
            self._send(answered, miss, second)

    def _send(self, reply: Rendered | None, miss: Miss, second: int) -> None:
        if reply is None:
            return
        octets: bytes | None = reply.octets
        if miss.query is not None and len(reply.octets) > HEADER_LENGTH:
            octets = self._adapt(reply, miss, second)
        if octets is not None:
            self._send_to(octets, self._where(miss.way_back))

    def _adapt(self, reply: Rendered, miss: Miss, second: int) -> bytes | None:
        """Give the reply to the very query, and let its like be answered by the hot thread."""
        query, view = miss.query, miss.view
        if query is None or view is None:
            return reply.octets
        template = make_template(
            reply.octets, reply.valid_until, constant=reply.constant, second=second
        )
        if template.until > second and miss.epoch == self._epoch():
            self._thread.learn(miss.epoch, view, query.key, template)
        cookie = self._cookies.reply_to(query.cookie, miss.address) if query.cookie else b""
        body = template.body_for(query, cookie)
        if body is not None:
            return miss.data[:2] + body
        # With its cookie it does not fit, so something must be left out.
        self._answer(miss._replace(query=None))
        return None

    def _where(self, way_back: WayBack) -> Where:
        """Give the way back as Python has it."""
        peer, control = way_back
        if not control:
            return _address(peer), []
        level, kind, size = _PKTINFO[self._socket.family]
        return _address(peer), [(level, kind, control[_DATA_AT : _DATA_AT + size])]

    def _send_to(self, octets: bytes, where: Where) -> None:
        """Send, or lose it as a network may: full buffers, no route."""
        if not self._open:
            return
        address, ancillary = where
        try:
            if ancillary:
                self._socket.sendmsg([octets], ancillary, socket.MSG_DONTWAIT, address)
            else:
                self._socket.sendto(octets, socket.MSG_DONTWAIT, address)
        except OSError:
            return


_PKTINFO: Final = {
    socket.AF_INET: (socket.IPPROTO_IP, _IP_PKTINFO, 12),
    socket.AF_INET6: (socket.IPPROTO_IPV6, _IPV6_PKTINFO, 20),
}


def thread_ended(error: BaseException | None) -> None:
    """Called from the hot thread: without it nobody would answer, so the process ends."""
    if error is not None:
        Logger().failure("the hot thread died", Failure(error))
        os._exit(os.EX_SOFTWARE)


def _asks_which_address(bound: socket.socket) -> bool:
    """Let the kernel say which address was asked, where that is not plain."""
    if bound.getsockname()[0] not in {"0.0.0.0", "::"}:  # noqa: S104
        return False
    if bound.family == socket.AF_INET:
        bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        bound.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
    return True


def _source(miss: Miss) -> Source:
    return Source(miss.address, int.from_bytes(miss.way_back[0][2:4]), "udp")


def _address(peer: bytes) -> tuple[str | int, ...]:
    """Give what Python calls an address for a sockaddr."""
    if len(peer) == 16:
        return socket.inet_ntoa(peer[4:8]), int.from_bytes(peer[2:4])
    port, flow, address, _ = _IN6_PEER.unpack(peer)
    scope = int.from_bytes(peer[24:28], sys.byteorder)
    return socket.inet_ntop(socket.AF_INET6, address), port, flow, scope
