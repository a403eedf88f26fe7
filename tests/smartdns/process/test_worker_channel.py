"""What supervisor and worker say to each other over a pair of sockets."""

import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.task import deferLater

from smartdns.process.sockets import NamedSocket
from smartdns.process.worker_channel import Report, SupervisorEnd, WorkerEnd, say_failed
from tests.smartdns.upstream.peer import until


class Both:
    """Both ends in one process."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.changes = 0
        self.report: Report = {"ready": False}
        self.opened: list[NamedSocket] = []
        self.orphaned = False
        self.supervisor = SupervisorEnd(ours, self._changed, reactor)
        self.worker = WorkerEnd(
            theirs,
            report=lambda: dict(self.report),
            answer=self._answer,
            open_front=self._open,
            orphaned=self._end,
            reactor=reactor,
        )

    def _changed(self) -> None:
        self.changes += 1

    def _answer(self, question: Mapping[str, Any]) -> object:
        if question["what"] == "fault":
            raise RuntimeError("no such thing")
        return question["what"]

    def _open(self, sockets: Sequence[NamedSocket]) -> None:
        self.opened.extend(sockets)

    def _end(self) -> None:
        self.orphaned = True

    async def close(self) -> None:
        """End the worker's side, and wait until both have noticed."""
        self.worker._looking.stop()
        self.worker._lines.transport.loseConnection()
        await until(lambda: self.supervisor._gone and self.orphaned)
        for each in self.opened:
            each.socket.close()


@pytest_twisted.async_yield_fixture
async def both() -> AsyncIterator[Both]:
    """A worker that reports that it is not ready."""
    made = Both()
    yield made
    if not made.orphaned:
        await made.close()


async def test_a_report_is_sent_when_it_changes_and_not_else(both: Both) -> None:
    """An installation at rest says nothing."""
    await until(lambda: both.supervisor.report == {"ready": False})
    said = both.changes
    await deferLater(reactor, 0.5)
    assert both.changes == said
    both.report["ready"] = True
    await until(lambda: both.supervisor.report == {"ready": True})
    assert both.changes == said + 1


async def test_each_question_gets_its_own_answer(both: Both) -> None:
    """Several under way at once; one that cannot be answered is None and ends nobody's work."""
    asked = [both.supervisor.ask({"what": what}) for what in ("one", "fault", "two")]
    assert [await each for each in asked] == ["one", None, "two"]
    assert await both.supervisor.ask({"what": "three"}) == "three"


async def test_sockets_come_over_with_their_names(both: Both) -> None:
    """They are the same sockets, and the supervisor keeps its own descriptors."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        both.supervisor.hand_over([NamedSocket("udp", udp), NamedSocket("tcp", tcp)])
        await until(lambda: len(both.opened) == 2)
        for given, name, sent in zip(both.opened, ("udp", "tcp"), (udp, tcp), strict=True):
            assert given.name == name
            assert given.socket.fileno() != sent.fileno()
            assert os.fstat(given.socket.fileno()).st_ino == os.fstat(sent.fileno()).st_ino
            assert not given.socket.getblocking()


async def test_questions_of_a_worker_that_ends_are_answered_none(both: Both) -> None:
    """Those under way and those that come later; its report is gone with it."""
    await until(lambda: both.supervisor.report is not None)
    both.worker._looking.stop()
    both.worker._lines.transport.pauseProducing()
    asked = both.supervisor.ask({"what": "one"})
    both.worker._lines.transport.loseConnection()
    assert await asked is None
    assert both.supervisor.report is None
    assert await both.supervisor.ask({"what": "two"}) is None
    with socket.socket() as late:
        both.supervisor.hand_over([NamedSocket("tcp", late)])
    await until(lambda: both.orphaned)


@pytest.mark.parametrize("line", ["MEDIASTREAMER_WORKERS: takes a number", "ein Umlaut: ä"])
async def test_a_worker_that_cannot_start_says_why_before_it_has_a_reactor(line: str) -> None:
    """Its line is there although its end follows at once."""
    ours, theirs = socket.socketpair()
    supervisor = SupervisorEnd(ours, lambda: None, reactor)
    say_failed(theirs, line)
    theirs.close()
    await until(lambda: supervisor._gone)
    assert supervisor.failure == line
