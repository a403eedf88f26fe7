"""First queries: what lands, what goes the long way, and how many sockets wait for the next."""

import socket
from collections.abc import Callable

import pytest
from twisted.internet import reactor
from twisted.internet.task import deferLater

from smartdns.upstream import shots as under_test
from smartdns.upstream.group import Group
from smartdns.upstream.shots import MOST_FLYING, READY, Shot, Shots
from tests.peers.odd_name_server import OddNameServer
from tests.peers.ports import free_port
from tests.smartdns.upstream.asking import forwarder, question, upstream


class Fired:
    """Shots at upstreams on loopback, and what became of each."""

    def __init__(self, *ports: int) -> None:
        self.group = Group.at(reactor, [upstream(port) for port in ports])  # type: ignore[arg-type]
        self.shots: Shots[str] = Shots(reactor, self.group)  # type: ignore[arg-type]
        self.shots.wanted = True
        self.shots.fill()
        self.landed: list[str] = []
        self.went_long: list[str] = []

    def fire(self, name: str) -> bool:
        """Ask for a name's address."""
        shot = self.shots.fire(question(name), self._land, self.went_long.append, name)
        return shot is not None

    def _land(self, shot: Shot[str], _data: bytes, _end: int) -> bool:
        self.landed.append(shot.asker)
        return True

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait, five seconds at most."""
        for _ in range(500):
            if holds():
                return
            await deferLater(reactor, 0.01)
        raise TimeoutError


async def test_more_than_were_made_ahead_are_made_as_they_are_wanted(
    odd_name_server: OddNameServer,
) -> None:
    """A burst of misses takes the short cut whole, each from a port of its own."""
    fired = Fired(odd_name_server.port)
    names = [f"n{number}.example" for number in range(3 * READY)]
    assert all(fired.fire(name) for name in names)
    await fired.until(lambda: len(fired.landed) == len(names))
    assert sorted(fired.landed) == sorted(names)
    assert len(set(odd_name_server.peers)) == len(names)
    assert len({query.id for _, query in odd_name_server.queries}) > READY
    await fired.until(lambda: len(fired.shots.ready) == READY)
    fired.shots.close()


async def test_too_many_at_once_are_for_the_long_way(odd_name_server: OddNameServer) -> None:
    """It has a limit for each client; and so has a question that is under way already."""
    odd_name_server.delay = 0.2
    fired = Fired(odd_name_server.port)
    assert all(fired.fire(f"n{number}.example") for number in range(MOST_FLYING))
    assert not fired.fire("one-more.example")
    await fired.until(lambda: not fired.shots.flying)
    assert fired.fire("one-more.example")
    assert not fired.fire("one-more.example")
    fired.shots.close()


async def test_first_queries_leave_room_for_who_takes_the_long_way(
    odd_name_server: OddNameServer,
) -> None:
    """Where few questions may be under way, an eighth of them are shots at most."""
    odd_name_server.delay = 0.2
    resolving = forwarder(odd_name_server.port, in_flight=16)
    shots = resolving.shots
    shots.wanted = True
    shots.fill()
    fired = [
        shots.fire(question(f"n{n}.example"), lambda *_: True, lambda _: None, None) is not None
        for n in range(3)
    ]
    assert fired == [True, True, False]
    await resolving.stopService()


async def test_a_question_that_is_asked_elsewhere_is_not_asked_here() -> None:
    """Its asker joins those who wait for it."""
    elsewhere = {question("a.example")}
    group = Group.at(reactor, [upstream(free_port())])  # type: ignore[arg-type]
    shots: Shots[None] = Shots(reactor, group, elsewhere)  # type: ignore[arg-type]
    shots.wanted = True
    shots.fill()
    taken = [
        shots.fire(question(name), lambda *_: True, lambda _: None, None) is not None
        for name in ("a.example", "b.example")
    ]
    assert taken == [False, True]
    shots.close()


async def test_of_two_threads_with_one_question_one_asks(
    odd_name_server: OddNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's asker joins the first one by the long way, and its socket is closed."""
    fired = Fired(odd_name_server.port)
    fired.shots._drop_older_than(float("inf"))
    make, made = fired.shots._make, []

    def meanwhile() -> Shot[str] | None:
        monkeypatch.setattr(fired.shots, "_make", make)
        made.append(fired.fire("a.example"))
        shot = make()
        made.append(shot)
        return shot

    monkeypatch.setattr(fired.shots, "_make", meanwhile)
    assert not fired.fire("a.example")
    first, second = made
    assert first is True
    await fired.until(lambda: fired.landed == ["a.example"])
    assert isinstance(second, Shot)
    assert second.asking.stopped
    assert not fired.shots.flying
    fired.shots.close()


async def test_what_comes_unasked_changes_nothing() -> None:
    """A late reply to somebody else's query, or a forgery, at a socket that only waits."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
        forger.bind(("127.0.0.1", 0))
        fired = Fired(forger.getsockname()[1])
        waiting = list(fired.shots.ready)
        forger.sendto(bytes(40), waiting[0].asking._socket.getsockname())
        await deferLater(reactor, 0.05)
        assert list(fired.shots.ready) == waiting
        assert fired.fire("a.example")
        query, asker = forger.recvfrom(512)
        forger.sendto(query[:2] + b"\x81\x80" + query[4:], asker)
        await fired.until(lambda: fired.landed == ["a.example"])
        fired.shots.close()


async def test_nobody_there_and_nothing_said_go_the_long_way(
    odd_name_server: OddNameServer,
) -> None:
    """A closed port at once, silence when it has lasted; nothing stays behind."""
    odd_name_server.react = lambda *_: None
    for port in (free_port(), odd_name_server.port):
        fired = Fired(port)
        assert fired.fire("a.example")
        await fired.until(lambda fired=fired: fired.went_long == ["a.example"])  # type: ignore[misc]
        assert not fired.shots.flying
        assert not fired.landed
        fired.shots.close()


async def test_who_is_to_be_asked_first_changes_where_shots_go(
    odd_name_server: OddNameServer,
) -> None:
    """What was made for an upstream that fails now is dropped, and nothing is sent there."""
    nobody = free_port()
    fired = Fired(nobody, odd_name_server.port)
    first, _ = fired.group.members
    assert all(shot.upstream is first for shot in fired.shots.ready)
    for member in fired.group.members:
        member.health.asked(reactor.seconds())  # type: ignore[attr-defined]
    first.health.probe_lost(reactor.seconds())  # type: ignore[attr-defined]
    former = list(fired.shots.ready)
    fired.shots.fill()
    assert all(shot.asking.stopped for shot in former)
    assert fired.fire("a.example")
    await fired.until(lambda: fired.landed == ["a.example"])
    fired.shots.close()


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds would be long for a test."""
    monkeypatch.setattr(under_test, "KEPT_READY_S", 0.1)


@pytest.mark.usefixtures("forgetful")
async def test_where_nobody_asks_no_socket_is_kept(odd_name_server: OddNameServer) -> None:
    """And the next one takes the long way, which finds out how the upstreams do by now."""
    fired = Fired(odd_name_server.port)
    kept = list(fired.shots.ready)
    await fired.until(lambda: not fired.shots.ready)
    assert all(shot.asking.stopped for shot in kept)
    await deferLater(reactor, 0.1)  # its last look after what is late
    assert not fired.fire("a.example")
    fired.shots.close()
