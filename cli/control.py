"""The control socket: how `status`, `doctor` and `zones explain --from` ask what runs here.

One JSON line asks, `{"ask": n, "question": {"what": "status"}}`, and one answers. The socket
belongs to the owner of the state folder alone (0600).
"""

import contextlib
import json
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

from smartdns.worker_channel import JsonLines, adopt

NAME = "control"
_TIMEOUT_S = 10.0


def serve(
    folder: Path,
    name: str,
    answer: Callable[[Mapping[str, Any]], object],
    reactor: AsyncioSelectorReactor,
) -> None:
    """Listen in the state folder; a socket that a dead process left there is replaced."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.setblocking(False)
    with _inside(folder), _private_files():
        Path(name).unlink(missing_ok=True)
        listening.bind(name)
    listening.listen()
    reactor.addReader(_Accepting(listening, answer, reactor))


@implementer(IReadDescriptor)
class _Accepting:
    """Twisted's own port would let everybody in: it makes its socket 0666, and by its path."""

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


def ask(folder: Path, question: Mapping[str, object]) -> list[Any]:
    """Ask everything that runs on this state folder; [] when nothing does."""
    answers = []
    for path in sorted(folder.glob(f"{NAME}*")):
        with contextlib.suppress(OSError, ValueError):
            answers.append(_ask_one(folder, path.name, question))
    return answers


def _ask_one(folder: Path, name: str, question: Mapping[str, object]) -> Any:  # noqa: ANN401
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_TIMEOUT_S)
        with _inside(folder):
            asking.connect(name)
        asking.sendall(json.dumps({"ask": 1, "question": question}).encode() + b"\n")
        with asking.makefile("rb") as lines:
            return json.loads(lines.readline())["value"]


@contextlib.contextmanager
def _private_files() -> Any:  # noqa: ANN401
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def _inside(folder: Path) -> contextlib.chdir[Path]:
    """A path of a socket has 108 octets at most, a folder's may have more: so go there."""
    return contextlib.chdir(folder)
