"""Query sockets: one epoll reads them all, whoever opened them, and nothing stays open."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.upstream import sockets as under_test
from smartdns.upstream.group import Group, Upstream
from smartdns.upstream.sockets import QuerySocket, QuerySockets
from tests.peers.descriptors import descriptors_stay
from tests.peers.odd_name_server import OddNameServer
from tests.smartdns.upstream.asking import forwarder, question, upstream

REACTOR: Any = reactor


class Peer:
    """An upstream that sends what the test wants to sockets that it has not heard of."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        group = Group.at(REACTOR, [upstream(self.socket.getsockname()[1])])
        self.upstream: Upstream = group.members[0]

    def send(self, data: bytes, to: QuerySocket) -> None:
        """Send a datagram."""
        self.socket.sendto(data, to._socket.getsockname())


@pytest.fixture
def peer() -> Iterator[Peer]:
    """One peer, closed after the test."""
    made = Peer()
    yield made
    made.socket.close()


@pytest.fixture
def sockets() -> Iterator[QuerySockets]:
    """Query sockets, all of them closed after the test."""
    made = QuerySockets(REACTOR)
    yield made
    made.close()


async def until(holds: Callable[[], bool]) -> None:
    """Wait; the test's own limit ends it."""
    while not holds():
        await deferLater(reactor, 0.005)


def opened(sockets: QuerySockets, peer: Peer) -> QuerySocket:
    """Open one to a peer."""
    made = sockets.open(peer.upstream)
    assert made is not None
    return made


def closed(query_socket: QuerySocket) -> bool:
    """Say whether it is."""
    return query_socket.descriptor < 0


def _never() -> None:
    pytest.fail("nothing was lost")


async def test_what_another_thread_opens_is_read_by_the_reactor(
    sockets: QuerySockets, peer: Peer
) -> None:
    """The loop of the fast path opens a socket, aims and sends; the reply comes to the reactor."""
    came: list[bytes] = []

    def ask() -> QuerySocket:
        asked = opened(sockets, peer)
        asked.aim(lambda data: came.append(data) is None, _never)
        asked.send(b"question")
        return asked

    asked = await deferToThread(ask)
    question, where = peer.socket.recvfrom(512)
    peer.socket.sendto(question + b" answered", where)
    await until(lambda: bool(came))
    assert came == [b"question answered"]
    assert closed(asked)


async def test_many_replies_at_once_are_all_read(sockets: QuerySockets, peer: Peer) -> None:
    """A few at a time, so that nothing else of the reactor's waits for the last of them."""
    came: list[int] = []
    at_once: list[int] = []
    read = sockets.doRead

    def reading() -> None:
        before = len(came)
        read()
        at_once.append(len(came) - before)

    sockets.doRead = reading  # type: ignore[method-assign]
    count = 3 * under_test._MOST_AT_ONCE
    for number in range(count):
        asked = opened(sockets, peer)
        asked.aim(lambda _, number=number: came.append(number) is None, _never)  # type: ignore[misc]
        peer.send(b"reply", asked)
    await until(lambda: len(came) == count)
    assert sorted(came) == list(range(count))
    assert max(at_once) <= under_test._MOST_AT_ONCE
    assert sockets not in REACTOR.getReaders()


async def test_one_that_another_ones_reply_closes_is_not_read(
    sockets: QuerySockets, peer: Peer
) -> None:
    """Both have a reply; whichever is read first ends the question, and the other one with it."""
    came: list[int] = []
    pair = [opened(sockets, peer) for _ in range(2)]

    def take(number: int) -> bool:
        came.append(number)
        pair[1 - number].stop()
        return True

    for number, each in enumerate(pair):
        each.aim(lambda _, number=number: take(number), _never)  # type: ignore[misc]
        peer.send(b"reply", each)
    await until(lambda: bool(came))
    await deferLater(reactor, 0.01)
    assert len(came) == 1
    assert all(closed(each) for each in pair)


async def test_a_descriptor_that_is_used_again_brings_its_new_owner_nothing_of_the_former(
    sockets: QuerySockets, peer: Peer
) -> None:
    """Within one turn: a reply closes another socket with a reply, and opens one in its place."""
    came: list[str] = []
    former = [opened(sockets, peer) for _ in range(2)]
    owners: list[QuerySocket] = []

    def take(number: int) -> bool:
        descriptor = former[1 - number]._socket.fileno()
        former[1 - number].stop()
        owners.append(opened(sockets, peer))
        assert owners[0]._socket.fileno() == descriptor
        owners[0].aim(lambda data: came.append(data.decode()) is None, _never)
        return True

    for number, each in enumerate(former):
        each.aim(lambda _, number=number: take(number), _never)  # type: ignore[misc]
        peer.send(b"for the former", each)
    await until(lambda: bool(owners))
    await deferLater(reactor, 0.01)
    assert came == []
    peer.send(b"for the owner", owners[0])
    await until(lambda: bool(came))
    assert came == ["for the owner"]


@pytest.mark.parametrize("from_thread", [False, True], ids=["reactor", "thread"])
async def test_the_reactor_reads_just_while_a_socket_is_open(
    sockets: QuerySockets, peer: Peer, *, from_thread: bool
) -> None:
    """Closed by its reply or by who asked, over and over: no reader is left, none is missing."""
    for number in range(5):
        assert sockets not in REACTOR.getReaders()
        asked = await deferToThread(opened, sockets, peer) if from_thread else opened(sockets, peer)
        await until(lambda: sockets in REACTOR.getReaders())
        if number % 2:
            asked.aim(lambda _: True, _never)
            peer.send(b"reply", asked)
            await until(lambda asked=asked: closed(asked))  # type: ignore[misc]
        else:
            asked.stop()


async def test_a_closed_port_is_told_to_who_asked_and_stray_datagrams_are_not(
    sockets: QuerySockets, peer: Peer
) -> None:
    """Up to a number of strays, at which somebody is guessing."""
    lost: list[str] = []
    strays: list[bytes] = []
    guessed = opened(sockets, peer)
    guessed.aim(lambda data: strays.append(data) is not None, lambda: lost.append("guessed"))
    for _ in range(under_test._MOST_STRAYS):
        peer.send(b"stray", guessed)
    await until(lambda: len(strays) == under_test._MOST_STRAYS)
    assert not lost
    peer.send(b"stray", guessed)
    await until(lambda: lost == ["guessed"])
    refused = opened(sockets, peer)
    refused.aim(lambda _: True, lambda: lost.append("refused"))
    peer.socket.close()
    refused.send(b"question")
    await until(lambda: lost == ["guessed", "refused"])
    assert closed(guessed)
    assert closed(refused)


@pytest.mark.parametrize("mistaken", ["take", "lost"])
async def test_a_mistake_of_ours_costs_one_socket(
    sockets: QuerySockets, peer: Peer, monkeypatch: pytest.MonkeyPatch, mistaken: str
) -> None:
    """Replies to all others are read as before, or no question would be answered any more."""
    told: list[str] = []
    lost: list[str] = []

    def trip(*_: object) -> bool:
        raise IndexError

    class Told:
        def failure(self, text: str) -> None:
            told.append(text)

    monkeypatch.setattr(under_test, "Logger", Told)
    wrong = opened(sockets, peer)
    wrong.aim(trip, trip if mistaken == "lost" else lambda: lost.append("lost"))  # type: ignore[arg-type]
    peer.send(b"reply", wrong)
    await until(lambda: closed(wrong))
    assert told[0] == "a reply could not be taken"
    assert (len(told), len(lost)) == ((2, 0) if mistaken == "lost" else (1, 1))
    came: list[bytes] = []
    asked = opened(sockets, peer)
    asked.aim(lambda data: came.append(data) is None, _never)
    peer.send(b"reply", asked)
    await until(lambda: bool(came))


def test_once_closed_none_is_opened(peer: Peer) -> None:
    """A thread that asks at the very end gets none, and leaves nothing."""
    sockets = QuerySockets(REACTOR)
    waiting = opened(sockets, peer)
    with descriptors_stay(but=-2):  # the one that waits, and the epoll
        sockets.close()
        assert sockets.open(peer.upstream) is None
        sockets.close()
    assert closed(waiting)
    assert sockets not in REACTOR.getReaders()


async def test_a_forwarder_that_has_stopped_leaves_no_descriptor(
    odd_name_server: OddNameServer,
) -> None:
    """Neither those that wait for a reply, nor those kept ready, nor what reads them."""
    odd_name_server.react = lambda *_: None
    with descriptors_stay():
        resolving = forwarder(odd_name_server.port, ready_sockets=4)
        asking = [resolving.forward(question(f"n{n}.example")) for n in range(3)]
        resolving._fill()
        assert resolving.ask(question("ready.example"), lambda _: None)
        await until(lambda: len(odd_name_server.queries) == 4)
        await resolving.stopService()
        assert [await each for each in asking] == [None] * 3
