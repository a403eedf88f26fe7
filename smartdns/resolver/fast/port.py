"""A UDP socket that is answered by the fast path, as the listeners see it."""

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
"""How long the reactor may hold the GIL while the loop wants it; Python's default of 5 ms would add
just that to a reply's latency whenever the reactor is busy."""


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
        self._socket = bound.dup()
        batch = DatagramBatch(self._socket, multihomed=asks_which_address(self._socket))
        self._misses = Misses(batch, responder, self._send)
        self._loop = Loop(self._misses, thread_ended, responder.clock)
        self._open = True
        responder.on_change(self._loop.look_up)

    @property
    def remembered(self) -> int:
        """Datagrams that took no decision: answered by the memo, or refused from where they lay."""
        return self._loop.remembered

    @property
    def outcomes(self) -> Mapping[str, int]:
        """What was decided on here, by what the replies say."""
        return self._misses.outcomes

    @property
    def dropped(self) -> int:
        """Datagrams that had waited for too long."""
        return self._misses.dropped

    def start_reading(self) -> None:
        """Start the thread."""
        sys.setswitchinterval(SWITCH_S)
        self._loop.start(self._socket)

    def forget_askers(self) -> None:
        """Keep nothing of who asked until now."""
        self._loop.forget_askers()

    def stopReading(self) -> Deferred[None]:  # noqa: N802 - as Twisted's ports have it
        """Take no more queries; what was taken is still answered."""
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), self._loop.stop)

    def stopListening(self) -> None:  # noqa: N802
        """Close; the caller's socket stays open."""
        self._open = False
        self._socket.close()

    def _send(self, octets: bytes, way_back: WayBack) -> None:
        if self._open:
            send_back(self._socket, octets, way_back)


def thread_ended(error: BaseException | None) -> None:
    """Called from the loop's thread: without it nobody would answer, so the process ends."""
    if error is not None:
        Logger().failure("the thread of the fast path died", Failure(error))
        os._exit(os.EX_SOFTWARE)
