"""The server side of the control socket; `control_client` is the other side.

Only the owner of the state folder can use the socket (0600).
"""

import contextlib
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from cli.control_client import in_folder
from smartdns.process.worker_channel import JsonLines, adopt


def serve(
    folder: Path,
    name: str,
    answer: Callable[[Mapping[str, Any]], object],
    reactor: AsyncioSelectorReactor,
) -> None:
    """Listen in the state folder; a socket that a dead process has left is replaced."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.setblocking(False)
    with in_folder(folder), _private_files():
        Path(name).unlink(missing_ok=True)
        listening.bind(name)
    listening.listen()
    reactor.addReader(_Accepting(listening, answer, reactor))


@implementer(IReadDescriptor)
class _Accepting:
    """Accepts connections; Twisted's own port would create the socket with mode 0666."""

    def __init__(
        self,
        listening: socket.socket,
        answer: Callable[[Mapping[str, Any]], object],
        reactor: AsyncioSelectorReactor,
    ) -> None:
        self._listening = listening
        self._answer = answer
        self._reactor = reactor
        self.fileno = listening.fileno

    def logPrefix(self) -> str:
        return "control"

    def doRead(self) -> None:
        with contextlib.suppress(OSError):
            adopt(_answering(self._answer), self._listening.accept()[0], self._reactor)

    def connectionLost(self, _reason: Failure) -> None:
        self._listening.close()


def _answering(answer: Callable[[Mapping[str, Any]], object]) -> JsonLines:
    def asked(message: dict[str, Any]) -> None:
        found: Deferred[object] = maybeDeferred(answer, message["question"])
        found.addCallback(lambda value: lines.send({"answer": message["ask"], "value": value}))
        found.addErrback(lambda _: lines.send({"answer": message["ask"], "value": None}))

    lines = JsonLines(asked, lambda: None)
    return lines


@contextlib.contextmanager
def _private_files() -> Any:  # noqa: ANN401
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)
