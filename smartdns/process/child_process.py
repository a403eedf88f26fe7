"""Child processes that are kept alive: started again when they die, with back-off."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall, IProcessTransport

GRACE_S = 8.0
"""From SIGTERM to SIGKILL; more than the 5 seconds in which a role answers what is in flight."""
STEADY_S = 10.0
"""A process that lived this long did not fail at its start."""
LONGEST_DELAY_S = 30.0


@dataclass(frozen=True)
class Program:
    """What to execute, and the descriptors it gets beside 0, 1 and 2 (number there -> ours)."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    descriptors: Mapping[int, int] = field(default_factory=dict)
    silent: bool = False
    """Its standard output and error go nowhere: a program that is not ours says what it likes."""


class Process(Protocol):
    """A process of ours, however it was started; it tells its `Child` when it is gone."""

    @property
    def pid(self) -> int | None:
        """None until it is known."""

    def signal(self, number: int) -> None:
        """Send it a signal, unless it is gone; once its pid is known."""


class RunningProgram(ProcessProtocol):
    """A program that this process executes."""

    def __init__(
        self, program: Program, gone: Callable[[], None], reactor: AsyncioSelectorReactor
    ) -> None:
        self._gone = gone
        nowhere = os.open(os.devnull, os.O_RDWR)
        try:
            out, err = (nowhere, nowhere) if program.silent else (1, 2)
            self._process: IProcessTransport = reactor.spawnProcess(
                self,
                program.arguments[0],
                program.arguments,
                program.environment,
                childFDs={0: nowhere, 1: out, 2: err, **program.descriptors},
            )
        finally:
            os.close(nowhere)
        self.pid: int = self._process.pid

    def processEnded(self, reason: Failure) -> None:  # noqa: ARG002, N802
        """Pass it on."""
        self._gone()

    def signal(self, number: int) -> None:
        """Send a signal."""
        with suppress(ProcessExitedAlready):
            self._process.signalProcess(number)


class Child:
    """One running process, and who waits for its end."""

    def __init__(
        self, start: Callable[[Callable[[], None]], Process], reactor: AsyncioSelectorReactor
    ) -> None:
        """Start it with `start`, which is given what to call once the process is gone."""
        self._reactor = reactor
        self._waiting: list[Deferred[None]] = []
        self.ended = False
        self._stopping = False
        self.started_at = reactor.seconds()
        self._process = start(self._gone)

    @property
    def pid(self) -> int | None:
        """None until it is known."""
        return self._process.pid

    def _gone(self) -> None:
        """Tell everyone who waits for the end."""
        self.ended = True
        waiting, self._waiting = self._waiting, []
        for deferred in waiting:
            deferred.callback(None)

    def when_ended(self) -> Deferred[None]:
        """Fire once the process is gone."""
        deferred: Deferred[None] = Deferred()
        if self.ended:
            deferred.callback(None)
        else:
            self._waiting.append(deferred)
        return deferred

    def stop(self) -> Deferred[None]:
        """SIGTERM, after the grace SIGKILL; fires once the process is gone."""
        ended = self.when_ended()
        if not self.ended and not self._stopping:
            self._stopping = True
            self._process.signal(signal.SIGTERM)
            kill = self._reactor.callLater(GRACE_S, self._process.signal, signal.SIGKILL)
            ended.addCallback(lambda _: kill.cancel() if kill.active() else None)
        return ended


def restart_delay(failures: int) -> float:
    """Seconds to wait after so many deaths in a row, each soon after a start."""
    return 0.0 if failures == 0 else min(LONGEST_DELAY_S, 0.05 * 2.0 ** (failures - 1))


class Place:
    """Where one child runs. A child that dies gets a successor, unless the place was closed."""

    def __init__(self, spawn: Callable[[], Child], reactor: AsyncioSelectorReactor) -> None:
        self._spawn = spawn
        self._reactor = reactor
        self._failures = 0
        self._closed = False
        self._restart: IDelayedCall | None = None
        self.child: Child | None = None

    def open(self) -> None:
        """Start a child."""
        self.occupy(self._spawn())

    def occupy(self, child: Child) -> None:
        """Let `child` be the one that counts here; who was here before is no longer succeeded."""
        if self._restart is not None and self._restart.active():
            self._restart.cancel()
        self.child = child
        child.when_ended().addCallback(lambda _: self._ended(child))

    def vacate(self) -> Child | None:
        """Give away the child that is here; None where none is alive. Nobody succeeds it."""
        child, self.child = self.child, None
        if self._restart is not None and self._restart.active():
            self._restart.cancel()
        return None if child is None or child.ended else child

    def _ended(self, child: Child) -> None:
        if self._closed or child is not self.child:
            return
        lived = self._reactor.seconds() - child.started_at
        self._failures = 0 if lived >= STEADY_S else self._failures + 1
        self._restart = self._reactor.callLater(restart_delay(self._failures), self.open)

    def close(self) -> Deferred[None]:
        """Stop the child for good; fires once it is gone."""
        self._closed = True
        if self._restart is not None and self._restart.active():
            self._restart.cancel()
        return succeed(None) if self.child is None else self.child.stop()
