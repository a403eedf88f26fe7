"""A UDP socket that the fast path answers: what `listeners` starts and stops."""

import os
import socket
import sys
from collections.abc import Mapping
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from smartdns.resolver.datagrams import WayBack, asks_which_address, send_back
from smartdns.resolver.fast.batch import DatagramBatch
from smartdns.resolver.fast.loop import Loop
from smartdns.resolver.fast.misses import Misses
from smartdns.resolver.responder import Responder

SWITCH_S: Final = 0.0005
"""How long the reactor may hold the GIL while the loop waits for it. Python's default of 5 ms would
be added to a reply's latency whenever the reactor is busy."""


def listen_fast(
    reactor: PosixReactorBase, bound: socket.socket, responder: Responder
) -> "FastPort":
    """Answer the datagrams that come to `bound`; the caller still owns and closes that socket."""
    port = FastPort(reactor, bound, responder)
    port.start_reading()
    return port


class FastPort:
    """One UDP socket; like a Twisted port, it stops reading first and closes later."""

    def __init__(
        self, reactor: PosixReactorBase, bound: socket.socket, responder: Responder
    ) -> None:
        self._reactor = reactor
        self._socket = bound.dup()
        batch = DatagramBatch(self._socket, multihomed=asks_which_address(self._socket))
        self._misses = Misses(batch, responder, self._send)
        self._loop = Loop(self._misses, thread_ended, responder.clock)
        self._open = True
        responder.on_change(self._loop.look_up)

    @property
    def remembered(self) -> int:
        """Datagrams that needed no decision: answered by the memo, or refused in place."""
        return self._loop.remembered

    @property
    def outcomes(self) -> Mapping[str, int]:
        """Queries decided here, by the outcome of the reply."""
        return self._misses.outcomes

    @property
    def dropped(self) -> int:
        """Datagrams that had waited too long."""
        return self._misses.dropped

    def start_reading(self) -> None:
        """Start the thread."""
        sys.setswitchinterval(SWITCH_S)
        self._loop.start(self._socket)

    def forget_askers(self) -> None:
        """Forget the addresses of all clients that have asked."""
        self._loop.forget_askers()

    def stopReading(self) -> Deferred[None]:  # noqa: N802 - as in Twisted's ports
        """Take no more queries; those that were taken are still answered."""
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._loop.stop)

    def stopListening(self) -> None:  # noqa: N802
        """Close; the caller's socket stays open."""
        self._open = False
        self._socket.close()

    def _send(self, octets: bytes, way_back: WayBack) -> None:
        if self._open:
            send_back(self._socket, octets, way_back)


def thread_ended(error: BaseException | None) -> None:
    """End the process if the loop's thread failed, since nothing would answer without it."""
    if error is not None:
        Logger().failure("the thread of the fast path died", Failure(error))
        os._exit(os.EX_SOFTWARE)
