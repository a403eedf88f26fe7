"""The event loop: readers of datagrams are called first, and everything else as ever."""

import contextlib
import selectors
import socket
from collections.abc import Iterator

import pytest

from smartdns.event_loop import ReadingSelector


@pytest.fixture
def selector() -> Iterator[ReadingSelector]:
    """One of its own."""
    with contextlib.closing(ReadingSelector()) as made:
        yield made


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets connected with each other."""
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_reader_is_called_while_its_octets_are_there(
    selector: ReadingSelector, pair: tuple[socket.socket, socket.socket]
) -> None:
    """As often as `select` finds some; never once it was removed."""
    one, other = pair
    calls: list[int] = []
    selector.add(one.fileno(), lambda: calls.append(1))
    assert selector.select(0) == []
    assert not calls
    other.send(b"x")
    assert selector.select(None) == []
    assert selector.select(-1.0) == []
    assert len(calls) == 2
    selector.remove(one.fileno())
    selector.select(0)
    assert len(calls) == 2


def test_a_reader_may_close_another_that_is_ready_too(
    selector: ReadingSelector, pair: tuple[socket.socket, socket.socket]
) -> None:
    """The other one is not called: what it would read is gone."""
    called: list[socket.socket] = []

    def read(mine: socket.socket, its: socket.socket) -> None:
        called.append(mine)
        selector.remove(its.fileno())
        its.close()

    one, other = pair
    one.send(b"x")
    other.send(b"x")
    selector.add(one.fileno(), lambda: read(one, other))
    selector.add(other.fileno(), lambda: read(other, one))
    selector.select(0)
    assert len(called) == 1


def test_everything_else_is_reported_as_python_reports_it(
    selector: ReadingSelector, pair: tuple[socket.socket, socket.socket]
) -> None:
    """Readable, writable, both, neither, hung up: what Python's own selector says of the same."""
    both = selectors.EVENT_READ | selectors.EVENT_WRITE
    one, other = pair
    with selectors.EpollSelector() as theirs:
        for each in (selector, theirs):
            each.register(one, both, "one")
            each.register(other, selectors.EVENT_READ, "other")
        for act in (
            lambda: None,
            lambda: one.send(b"x"),
            lambda: other.send(b"x"),
            lambda: one.shutdown(socket.SHUT_WR),
            other.close,
        ):
            act()
            assert set(selector.select(0)) == set(theirs.select(0))
            assert set(selector.select(0.001)) == set(theirs.select(0.001))
