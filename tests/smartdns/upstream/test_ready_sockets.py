"""Sockets opened ahead: each for one query, none for long, all to who is asked first."""

from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.upstream.group import Group
from smartdns.upstream.ready_sockets import KEPT_S, ReadySockets
from smartdns.upstream.sockets import QuerySocket, QuerySockets
from tests.peers.descriptors import descriptors_stay
from tests.smartdns.upstream.asking import upstream
from tests.smartdns.upstream.peer import REACTOR, Peer, closed, until

MOST = 4
LONG = KEPT_S + 0.1


class Standing:
    """The reactor, at a second that the test says."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def seconds(self) -> float:
        """Give that second."""
        return self.now

    def __getattr__(self, name: str) -> Any:
        return getattr(REACTOR, name)


class Ready:
    """Sockets kept ready to two upstreams, of which the first is asked first."""

    def __init__(self, first: Peer, second: Peer) -> None:
        self.reactor: Any = Standing()
        self.sockets = QuerySockets(self.reactor)
        self.group = Group.at(REACTOR, [upstream(each.port) for each in (first, second)])
        for member in self.group.members:
            member.health.answered(0.01, self.reactor.now)
            member.health.begin_trial(self.reactor.now)
        self.ready = ReadySockets(self.sockets, self.group, MOST)

    def fill(self) -> None:
        """Do as after a question."""
        self.ready.fill(self.reactor.now)

    def pass_by(self, seconds: float) -> None:
        """Let time go by, then do as now and then."""
        self.reactor.now += seconds
        self.ready.keep(self.reactor.now)

    def take(self) -> QuerySocket:
        """Take one for a question."""
        taken = self.ready.take()
        assert taken is not None
        return taken

    @property
    def waiting(self) -> list[QuerySocket]:
        """Those that wait."""
        return list(self.ready._ready)


@pytest.fixture
def peers() -> Iterator[tuple[Peer, Peer]]:
    """Two upstreams, closed after the test."""
    made = Peer(), Peer()
    yield made
    for each in made:
        each.socket.close()


@pytest_twisted.async_yield_fixture
async def made(peers: tuple[Peer, Peer]) -> AsyncIterator[Ready]:
    """Nothing is open yet; all is closed after the test."""
    ready = Ready(*peers)
    yield ready
    ready.ready.close()
    ready.sockets.close()
    for _ in range(2):  # what a thread asks of the reactor is called in its next turn but one
        await deferLater(REACTOR, 0)


def _port(taken: QuerySocket) -> int:
    port: int = taken._socket.getsockname()[1]
    return port


def test_before_the_first_question_none_is_open(made: Ready) -> None:
    """Nor is one opened by who asks: it is not known yet whom to ask."""
    made.pass_by(0)
    assert made.ready.take() is None
    assert not made.ready.kept
    made.fill()
    assert len(made.ready) == MOST
    assert made.ready.kept


async def test_a_burst_beyond_what_is_ready_opens_the_rest_from_the_thread_that_asks(
    made: Ready, peers: tuple[Peer, Peer]
) -> None:
    """Each with a port, an ID and case bits of its own; all are read, and as many wait again."""
    made.fill()
    waiting = made.waiting
    taken = await deferToThread(lambda: [made.take() for _ in range(3 * MOST)])
    assert taken[:MOST] == waiting
    assert len({_port(each) for each in taken}) == 3 * MOST
    assert len({each.noise for each in taken}) == 3 * MOST
    assert len({each.id for each in taken}) > MOST
    came: list[bytes] = []
    for each in taken:
        each.aim(lambda data: came.append(data) is None, lambda: pytest.fail("lost"))
        each.send(each.id)
    for _ in taken:
        query, where = peers[0].socket.recvfrom(512)
        peers[0].socket.sendto(query, where)
    await until(lambda: len(came) == len(taken))
    assert sorted(came) == sorted(each.id for each in taken)
    assert len(made.ready) == 0
    made.fill()
    assert len(made.ready) == MOST


@pytest.mark.parametrize("noticed_by", ["the next question", "a look now and then"])
def test_a_change_of_who_is_asked_first_is_followed(made: Ready, noticed_by: str) -> None:
    """What led to the former is closed, and no query goes there."""
    made.fill()
    former, (first, second) = made.waiting, made.group.members
    first.health.probe_lost(made.reactor.now)
    if noticed_by == "the next question":
        made.fill()
    else:
        made.pass_by(0)
    assert all(map(closed, former))
    assert len(made.ready) == MOST
    assert {made.take().upstream for _ in range(2 * MOST)} == {second}


def test_where_nobody_can_be_asked_alone_by_datagram_none_is_open(made: Ready) -> None:
    """The question goes another way, on which that is found out: case, trials, the dead."""
    made.fill()
    former = made.waiting
    for member in made.group.members:
        member.health.case_lost(made.reactor.now)
    made.pass_by(0)
    assert all(map(closed, former))
    assert made.ready.take() is None
    assert not made.ready.kept


def test_while_questions_come_none_waits_for_more_than_ten_seconds(made: Ready) -> None:
    """The port of one that waits cannot be searched for long."""
    made.fill()
    first = made.waiting
    made.reactor.now += LONG / 2
    made.take().stop()
    made.fill()
    made.pass_by(LONG / 2)
    assert all(map(closed, first))
    assert len(made.ready) == MOST
    assert all(each.opened_at > made.reactor.now - KEPT_S for each in made.waiting)


def test_where_nobody_asks_none_is_kept(made: Ready) -> None:
    """Ten seconds after the last question all are closed, and there is nothing to look after."""
    made.fill()
    waiting = made.waiting
    made.pass_by(KEPT_S - 0.1)
    assert made.waiting == waiting
    assert made.ready.kept
    made.pass_by(0.2)
    assert all(map(closed, waiting))
    assert len(made.ready) == 0
    assert not made.ready.kept


def test_in_the_end_all_are_closed_and_none_is_opened(made: Ready) -> None:
    """Whatever is still asked or looked after then; one in use stays its question's."""
    with descriptors_stay(but=1):
        made.fill()
        taken = made.take()
        waiting = made.waiting
        made.ready.close()
        made.fill()
        made.pass_by(1)
        assert made.ready.take() is None
    assert all(map(closed, waiting))
    assert not closed(taken)
    taken.stop()


async def test_what_comes_unasked_changes_nothing(made: Ready, peers: tuple[Peer, Peer]) -> None:
    """A late reply or a forgery at a socket that only waits is passed over; a hail is not."""
    made.fill()
    patient, searched = made.waiting[:2]
    peers[0].send(bytes(40), patient)
    for _ in range(40):
        peers[0].send(bytes(40), searched)
    await until(lambda: closed(searched))
    assert not closed(patient)
    assert searched not in made.waiting
    assert made.take() is patient
    came: list[bytes] = []
    patient.aim(lambda data: came.append(data) is None, lambda: pytest.fail("lost"))
    peers[0].send(b"reply", patient)
    await until(lambda: came == [b"reply"])
    made.pass_by(0)
    assert len(made.ready) == MOST


async def test_one_that_an_error_closes_while_it_waits_is_given_to_nobody(
    made: Ready, peers: tuple[Peer, Peer]
) -> None:
    """An ICMP error, true or forged; the others are as they were, and one more is opened."""
    made.fill()
    refused, *others = made.waiting
    peers[0].socket.close()
    refused.send(b"as if it had been sent before")
    await until(lambda: closed(refused))
    assert made.waiting == others
    made.pass_by(0)
    assert made.waiting[:-1] == others
    assert len(made.ready) == MOST


async def test_one_that_an_error_closes_as_it_is_taken_is_lost_to_its_question_alone(
    made: Ready, peers: tuple[Peer, Peer]
) -> None:
    """Its query cannot be sent, of which the asker hears; nothing else is disturbed."""
    made.fill()
    taken = made.take()  # by another thread, while the reactor reads the error
    peers[0].socket.close()
    taken.send(b"as if it had been sent before")
    await until(lambda: closed(taken))
    with pytest.raises(OSError, match="Bad file descriptor"):
        taken.send(b"question")
    assert len(made.ready) == MOST - 1


class TakenMeanwhile(deque[QuerySocket]):
    """Each is taken by another thread just when the reactor's takes it out."""

    def remove(self, each: QuerySocket) -> None:
        """Take it out twice."""
        for _ in range(2):
            super().remove(each)


async def test_what_is_taken_out_twice_is_no_mistake(made: Ready, peers: tuple[Peer, Peer]) -> None:
    """By the reactor since an error closed it, and by a question at the same moment."""
    made.fill()
    made.ready._ready = TakenMeanwhile(made.ready._ready)
    (refused, *others) = made.waiting
    peers[0].socket.close()
    refused.send(b"as if it had been sent before")
    await until(lambda: closed(refused))
    assert made.waiting == others


async def test_two_threads_never_get_the_same_one(made: Ready) -> None:
    """However the reactor fills and empties them meanwhile."""

    def take() -> list[QuerySocket]:
        return [taken for _ in range(300) if (taken := made.ready.take()) is not None]

    made.fill()
    taking = [deferToThread(take) for _ in range(3)]
    while not all(each.called for each in taking):
        made.fill()
        made.pass_by(KEPT_S / 3)
        await deferToThread(lambda: None)
    taken = [one for each in taking for one in await each]
    assert len({id(each) for each in taken}) == len(taken) > MOST
    assert not any(map(closed, taken))
    for each in taken:
        each.stop()
