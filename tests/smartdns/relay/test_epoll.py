"""Events of real sockets, as the poller tells of them."""

import socket
from collections.abc import Iterator

import pytest
from twisted.internet import reactor

from smartdns.process.event_loop import loop_of
from smartdns.relay.epoll import ENDING, READABLE, WRITABLE, Poller, is_reset
from tests.smartdns.relay.laboratory import reset, until


@pytest.fixture
def poller() -> Iterator[Poller]:
    """A poller on the loop of this process."""
    made = Poller(loop_of(reactor))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a TCP connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
    with client, accepted:
        yield client, accepted


Ends = tuple[socket.socket, socket.socket]


class Told(list[int]):
    """The masks of all events that were told."""

    def saw(self, wanted: int) -> bool:
        return any(mask & wanted for mask in self)


async def test_who_takes_over_is_told_of_what_came_before(poller: Poller, ends: Ends) -> None:
    """Edges that somebody else ignored are told once more, so that nobody has to remember them."""
    here, there = ends
    first, second = Told(), Told()
    poller.watch(here.fileno(), first.append)
    there.sendall(b"octets")
    there.shutdown(socket.SHUT_WR)
    await until(lambda: first.saw(READABLE) and first.saw(ENDING))
    poller.watch(here.fileno(), second.append)
    await until(lambda: second.saw(READABLE) and second.saw(ENDING) and second.saw(WRITABLE))
    poller.forget(here.fileno())


async def test_a_muted_connection_is_not_told_of_until_it_is_unmuted(
    poller: Poller, ends: Ends
) -> None:
    """What came meanwhile is told then."""
    here, there = ends
    told, other = Told(), Told()
    poller.watch(here.fileno(), told.append)
    await until(lambda: told.saw(WRITABLE))
    poller.mute(here.fileno())
    told.clear()
    there.sendall(b"octets")
    poller.watch(there.fileno(), other.append)
    await until(lambda: other.saw(WRITABLE))
    assert not told.saw(READABLE)
    poller.unmute(here.fileno())
    await until(lambda: told.saw(READABLE))
    poller.forget(here.fileno())


async def test_a_reset_is_told_apart_from_an_end(poller: Poller, ends: Ends) -> None:
    """Only the socket knows: the mask may be meant for an earlier one of that number."""
    here, there = ends
    told = Told()
    poller.watch(here.fileno(), told.append)
    await until(lambda: told.saw(WRITABLE))
    assert not is_reset(here, ENDING)
    reset(there)
    await until(lambda: told.saw(ENDING))
    assert is_reset(here, told[-1])
    poller.forget(here.fileno())


async def test_calls_are_made_later_and_once(poller: Poller) -> None:
    """Neither at once, nor again in the next turn."""
    made: list[str] = []
    poller.again(lambda: made.append("again"))
    poller.soon(lambda: made.append("soon"))
    assert made == []
    await until(lambda: len(made) == 2)
    tick = poller.tick
    await until(lambda: poller.tick > tick)
    assert sorted(made) == ["again", "soon"]
