"""JSON lines between a supervisor and each of its workers, over an inherited socket pair.

    supervisor -> worker    {"settings": {…}, …}          first: what to begin with
                            {"sockets": ["udp", …]}       with the sockets themselves: open
                            {"ask": n, "question": {…}}
    worker -> supervisor    {"pid": n}                    first, from one that was forked
                            {"report": {…}}               whenever it changed
                            {"failed": "one line"}        it cannot start, and why
                            {"answer": n, "value": …}

When the supervisor is gone the socket ends, and so does the worker.
"""

import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IFileDescriptorReceiver
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from smartdns.process.sockets import NamedSocket

Report = dict[str, Any]
"""`service.report()`; "prepared" says whether it could do its work if it had sockets, "ready"
whether it does it."""

REPORT_INTERVAL_S = 0.2
_LONGEST_LINE = 1 << 20


class JsonLines(LineOnlyReceiver):
    """One JSON object a line, both ways."""

    delimiter = b"\n"
    MAX_LENGTH = _LONGEST_LINE

    def __init__(
        self, received: Callable[[dict[str, Any]], None], lost: Callable[[], None]
    ) -> None:
        self._received = received
        self._lost = lost

    def send(self, message: Mapping[str, object]) -> None:
        """Write one object."""
        self.sendLine(json.dumps(message).encode())  # type: ignore[no-untyped-call]

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        """Pass an object on."""
        self._received(json.loads(line))

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: ARG002
        """Pass the end on."""
        self._lost()


@implementer(IFileDescriptorReceiver)
class JsonLinesAndSockets(JsonLines):
    """The same, where descriptors of sockets may come along: before the line that names them."""

    def connectionMade(self) -> None:
        """Begin with none."""
        self._descriptors: list[int] = []

    def fileDescriptorReceived(self, descriptor: int) -> None:  # noqa: N802
        """Keep one until its line is here."""
        self._descriptors.append(descriptor)

    def take(self, names: Sequence[str]) -> list[NamedSocket]:
        """Make sockets of what has come, each with its name."""
        descriptors, self._descriptors = self._descriptors, []
        sockets = [
            NamedSocket(name, socket.socket(fileno=descriptor))
            for name, descriptor in zip(names, descriptors, strict=True)
        ]
        for each in sockets:
            each.socket.setblocking(False)
        return sockets


def adopt(protocol: Protocol, end: socket.socket, reactor: AsyncioSelectorReactor) -> None:
    """Let `protocol` speak over a connected socket, which then belongs to the reactor."""
    end.setblocking(False)
    factory = Factory.forProtocol(lambda: protocol)
    factory.noisy = False
    reactor.adoptStreamConnection(end.fileno(), end.family, factory)
    end.close()  # the reactor took a duplicate


class WorkerEnd:
    """The worker's side: reports when something changed, answers when asked, opens when told."""

    def __init__(
        self,
        end: socket.socket,
        *,
        report: Callable[[], Report],
        answer: Callable[[Mapping[str, Any]], object],
        open_front: Callable[[Sequence[NamedSocket]], None],
        orphaned: Callable[[], None],
        reactor: AsyncioSelectorReactor,
    ) -> None:
        self._report = report
        self._answer = answer
        self._open_front = open_front
        self._last: Report | None = None
        self._lines = JsonLinesAndSockets(self._received, orphaned)
        adopt(self._lines, end, reactor)
        self._looking = LoopingCall(self._look)
        self._looking.clock = reactor
        self._looking.start(REPORT_INTERVAL_S)

    def _look(self) -> None:
        report = self._report()
        if report != self._last:
            self._last = report
            self._lines.send({"report": report})

    def _received(self, message: dict[str, Any]) -> None:
        if "sockets" in message:
            self._open_front(self._lines.take(message["sockets"]))
        else:
            self._asked(message)

    def _asked(self, message: dict[str, Any]) -> None:
        try:
            value = self._answer(message["question"])
        except Exception:  # noqa: BLE001  # a question that cannot be answered ends nobody's work
            value = None
        self._lines.send({"answer": message["ask"], "value": value})


def send_beginning(end: socket.socket, beginning: Mapping[str, object]) -> None:
    """Tell a worker what to begin with; the first line, before anything else is sent."""
    end.sendall(json.dumps(beginning).encode() + b"\n")


def receive_beginning(end: socket.socket) -> dict[str, Any]:
    """Wait for the first line and give what it says; EOFError if the supervisor is gone.

    Nothing after that line is taken: descriptors may come with what follows.
    """
    end.setblocking(True)
    line = b""
    while not line.endswith(b"\n"):
        if not (seen := end.recv(_LONGEST_LINE, socket.MSG_PEEK)):
            raise EOFError
        line += end.recv(seen.find(b"\n") + 1 or len(seen))
    beginning: dict[str, Any] = json.loads(line)
    return beginning


def say_pid(end: socket.socket) -> None:
    """From a worker that was forked, once it is the supervisor's child."""
    end.setblocking(True)
    end.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")


def say_failed(end: socket.socket, line: str) -> None:
    """From a worker that cannot start, before it has a reactor."""
    end.setblocking(True)
    end.sendall(json.dumps({"failed": line}).encode() + b"\n")


class SupervisorEnd:
    """The supervisor's side of one worker."""

    def __init__(
        self,
        end: socket.socket,
        changed: Callable[[], None],
        reactor: AsyncioSelectorReactor,
        *,
        said_pid: Callable[[int | None], None] = lambda _: None,
    ) -> None:
        """`said_pid` is told the pid of a worker that was forked, and None at the end."""
        self.report: Report | None = None
        self.failure: str | None = None
        self._changed = changed
        self._said_pid = said_pid
        self._gone = False
        self._asked: dict[int, Deferred[Any]] = {}
        self._number = 0
        self._lines = JsonLines(self._received, self._lost)
        self._end = end.dup()  # Twisted's transport cannot pass several descriptors at once
        adopt(self._lines, end, reactor)

    def hand_over(self, sockets: Sequence[NamedSocket]) -> None:
        """Let the worker open its front; it gets descriptors of the same sockets."""
        names = json.dumps({"sockets": [each.name for each in sockets]}).encode() + b"\n"
        with suppress(OSError):  # it is dead already, and its end will be noticed
            socket.send_fds(self._end, [names], [each.socket.fileno() for each in sockets])

    def ask(self, question: Mapping[str, object]) -> Deferred[Any]:
        """Fires with the worker's answer, or with None when it is gone."""
        if self._gone:
            return succeed(None)
        self._number += 1
        answered: Deferred[Any] = Deferred()
        self._asked[self._number] = answered
        self._lines.send({"ask": self._number, "question": question})
        return answered

    def _received(self, message: dict[str, Any]) -> None:
        if "answer" in message:
            self._asked.pop(message["answer"]).callback(message["value"])
            return
        if "pid" in message:
            self._said_pid(message["pid"])
            return
        self.report = message.get("report", self.report)
        self.failure = message.get("failed") or (self.report or {}).get("failed")
        self._changed()

    def _lost(self) -> None:
        self.report = None
        self._gone = True
        self._end.close()
        self._said_pid(None)
        asked, self._asked = self._asked, {}
        for answered in asked.values():
            answered.callback(None)
        self._changed()
