"""Workers of a role: several processes on one port, restarted when they die, replaced in turn.

    supervisor ── holds the sockets, one set for each place
       place 1 ── worker, a process with set 1 ── control channel
       place 2 ── worker, a process with set 2 ── control channel
       standby ── a process that follows the allowlist and waits for a set

Sockets of TCP that do not listen yet are handed over once they do: when the first worker is
prepared, the supervisor calls listen(2) for all of them, in order. The kernel numbers them in that
order, and picks a household's by its number (`socket_by_source`).

Whoever dies is succeeded by the standby, which gets the set at once, whatever it knows: no query
waits. Whoever is to be replaced keeps its set until its successor has all that it needs, and is
asked to stop once that one is ready. So nothing that is queued on a socket is lost, and hardly
anybody is refused by a newcomer who does not know him yet.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    DeferredList,
    TimeoutError,  # noqa: A004 - what `addTimeout` raises, which is not Python's
    ensureDeferred,
    gatherResults,
)

from smartdns.process.child_process import Child, Place
from smartdns.process.sockets import NamedSocket, are_listening, start_listening
from smartdns.process.template import ForkedProcess
from smartdns.process.worker_channel import Report, SupervisorEnd, send_beginning
from smartdns.telemetry.gate import say

READY_WITHIN_S = 30.0

Fork = Callable[[socket.socket, Callable[[], None]], ForkedProcess]
"""Has a worker forked that gets this socket as its control channel, and says when it is gone."""


class StartError(Exception):
    """A worker cannot start; the text is its own line about why."""


class Worker(Child):
    """A process of a role with its control channel; its sockets it gets over that."""

    def __init__(
        self,
        fork: Fork,
        beginning: Mapping[str, object],
        changed: Callable[[], None],
        reactor: AsyncioSelectorReactor,
    ) -> None:
        ours, theirs = socket.socketpair()
        send_beginning(ours, beginning)
        forked: list[ForkedProcess] = []

        def start(gone: Callable[[], None]) -> ForkedProcess:
            forked.append(fork(theirs, gone))
            return forked[0]

        super().__init__(start, reactor)
        theirs.close()
        self.channel = SupervisorEnd(ours, changed, reactor, said_pid=forked[0].said)

    @property
    def prepared(self) -> bool:
        """It runs and says that it could do its work if it had sockets."""
        return self._says("prepared")

    @property
    def ready(self) -> bool:
        """It runs and says that it does its work."""
        return self._says("ready")

    def _says(self, what: str) -> bool:
        return not self.ended and bool((self.channel.report or {}).get(what))


class Supervisor(Service):
    """Keeps one worker at each place; one place for each set of sockets."""

    def __init__(
        self,
        fork: Fork,
        sets_of_sockets: Sequence[Sequence[NamedSocket]],
        beginning: Callable[[], Mapping[str, object]],
        reactor: AsyncioSelectorReactor,
        *,
        keeps_standby: bool = False,
    ) -> None:
        """Take the sockets over; `beginning` is asked for each worker, and is its first line."""
        self._fork = fork
        self._keeps_standby = keeps_standby
        self._standby = Place(self._start, reactor)
        self.sets_of_sockets = sets_of_sockets
        self._listening = are_listening(self._sockets())
        self._beginning = beginning
        self._reactor = reactor
        self._waiting: list[tuple[Callable[[], bool | None], Deferred[None]]] = []
        self._replacing: Deferred[None] | None = None
        self._to_be_replaced = False
        self._alive: set[Worker] = set()
        self._said: set[str] = set()
        self._places = [
            Place(lambda sockets=sockets: self._spawn(sockets), reactor)  # type: ignore[misc]
            for sockets in sets_of_sockets
        ]

    def _spawn(self, sockets: Sequence[NamedSocket]) -> Worker:
        standby = self._standby.vacate()
        worker = standby if isinstance(standby, Worker) else self._start()
        if self._listening:
            worker.channel.hand_over(sockets)
        return worker

    def _start(self) -> Worker:
        worker = Worker(self._fork, self._beginning(), self._look, self._reactor)
        self._alive.add(worker)
        worker.when_ended().addCallback(lambda _: self._alive.discard(worker))
        return worker

    def startService(self) -> None:
        """Start a worker at each place."""
        super().startService()  # type: ignore[no-untyped-call]
        for place in self._places:
            place.open()

    def stopService(self) -> Deferred[object]:
        """SIGTERM to all; fires when they are gone."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._replacing is not None:
            self._replacing.cancel()
        for place in (*self._places, self._standby):
            place.close()
        gone = DeferredList([worker.stop() for worker in self._alive])
        return gone.addCallback(lambda _: self._close_sockets())

    def _close_sockets(self) -> None:
        for each in self._sockets():
            each.socket.close()

    def _sockets(self) -> list[NamedSocket]:
        return [each for sockets in self.sets_of_sockets for each in sockets]

    @property
    def workers(self) -> list[Worker]:
        """Those that run now."""
        children = [place.child for place in self._places]
        return [each for each in children if isinstance(each, Worker) and not each.ended]

    @property
    def standby(self) -> Worker | None:
        """Who would succeed one of them; None until it has said anything of itself."""
        child = self._standby.child
        return child if isinstance(child, Worker) and child.channel.report is not None else None

    @property
    def ready(self) -> bool:
        """Every place has a worker that does its work."""
        workers = self.workers
        return len(workers) == len(self._places) and all(worker.ready for worker in workers)

    def reports(self) -> list[Report]:
        """What each running worker last said of itself."""
        return [worker.channel.report or {} for worker in self.workers]

    def ask(self, question: Mapping[str, object]) -> Deferred[list[Any]]:
        """Ask every worker; fires with the answers of those that are still there."""
        answers = gatherResults([worker.channel.ask(question) for worker in self.workers])
        return answers.addCallback(lambda found: [each for each in found if each is not None])

    def when_ready(self) -> Deferred[None]:
        """Fire once every place is ready; StartError as soon as a worker says that it cannot."""

        def look() -> bool:
            for worker in self.workers:
                if worker.channel.failure is not None:
                    raise StartError(worker.channel.failure)
            return self.ready

        return self._wait_for(look)

    def replace_all(self) -> Deferred[None]:
        """Replace every worker in turn; each keeps its place until its successor is ready.

        If that is going on, it is done once more: a worker that was replaced already does not know
        what has changed since. What is wrong with a successor is said.
        """
        self._to_be_replaced = True
        if self._replacing is None:
            self._replacing = ensureDeferred(self._replace_while_asked())
            self._replacing.addBoth(self._replaced)
        return self._replacing

    def _replaced(self, result: None) -> None:
        self._replacing = None
        self._look()  # for the standby, whose start would have slowed the successors down
        return result

    async def _replace_while_asked(self) -> None:
        while self._to_be_replaced:
            self._to_be_replaced = False
            try:
                await self._replace_each()
            except StartError as error:
                say(f"a worker stays as it is: {error}")
            except TimeoutError:
                seconds = f"{READY_WITHIN_S:.0f} s"
                say(f"a worker stays as it is: its successor was not ready in {seconds}")
            except CancelledError:  # all of them are stopped
                break

    async def _replace_each(self) -> None:
        outdated = self._standby.child
        for place, sockets in zip(self._places, self.sets_of_sockets, strict=True):
            successor = self._start()
            begun = ensureDeferred(self._begin(successor, sockets, outdated))
            try:
                await begun.addTimeout(READY_WITHIN_S, self._reactor)
            except BaseException:
                successor.stop()
                raise
            before = place.child  # now: the former one may have died and have a successor
            place.occupy(successor)
            if before is not None:
                await before.stop()

    async def _begin(
        self, successor: Worker, sockets: Sequence[NamedSocket], outdated: Child | None
    ) -> None:
        """Let `successor` have the sockets once it is prepared, and no sooner; until it is ready.

        A standby that has loaded what is replaced is kept till then: the successor may fail.
        """
        await self._wait_for(lambda: _fit(successor) and successor.prepared)
        if outdated is self._standby.child and (standby := self._standby.vacate()) is not None:
            standby.stop()
        self._listen()
        successor.channel.hand_over(sockets)
        await self._wait_for(lambda: _fit(successor) and successor.ready)

    def _wait_for(self, look: Callable[[], bool]) -> Deferred[None]:
        """Fire once `look` is true, looked at whenever a worker says something or ends."""
        waiting: Deferred[None] = Deferred(lambda _: self._waiting.remove(entry))
        entry = (look, waiting)
        self._waiting.append(entry)
        self._look()
        return waiting

    def _look(self) -> None:
        self._say_trouble()
        if any(worker.prepared for worker in self.workers):
            self._listen()
        wants_standby = self._keeps_standby and self.running and self._replacing is None
        if wants_standby and self._standby.child is None and self.ready:
            self._standby.open()
        for entry in self._waiting[:]:
            look, waiting = entry
            try:
                if not look():
                    continue
            except StartError as error:
                self._waiting.remove(entry)
                waiting.errback(error)
            else:
                self._waiting.remove(entry)
                waiting.callback(None)

    def _listen(self) -> None:
        """Take connections, unless that is so already, and let the workers have their sockets."""
        if self._listening:
            return
        start_listening(self._sockets())
        self._listening = True
        for place, sockets in zip(self._places, self.sets_of_sockets, strict=True):
            if isinstance(place.child, Worker):
                place.child.channel.hand_over(sockets)

    def _say_trouble(self) -> None:
        """Say each worker's trouble as it begins, once for all of them."""
        trouble = {line for report in self.reports() for line in report.get("trouble", ())}
        for line in sorted(trouble - self._said):
            say(line)
        self._said = trouble


def _fit(successor: Worker) -> bool:
    """Nothing speaks against it; else StartError says what."""
    if successor.channel.failure is not None or successor.ended:
        raise StartError(successor.channel.failure or "the new worker ended before it was ready")
    return True
