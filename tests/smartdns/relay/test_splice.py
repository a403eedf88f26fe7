"""Pipes and directions between real sockets, turn by turn."""

import os
import socket
from collections.abc import Iterator

import pytest

from smartdns.relay.splice import COPIED, LARGE_PIPE, SMALL_PIPE, Direction, Flow, Pipes


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    """Few pipes."""
    made = Pipes(2)
    yield made
    made.close()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket, socket.socket, socket.socket]]:
    """Sender and source, sink and receiver: TCP, as splice needs it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        pairs = []
        for _ in range(2):
            client = socket.create_connection(server.getsockname())
            accepted, _ = server.accept()
            pairs += [client, accepted]
    sender, source, receiver, sink = pairs
    for one in (source, sink):
        one.setblocking(False)
    yield sender, source, sink, receiver
    for one in pairs:
        one.close()


Ends = tuple[socket.socket, socket.socket, socket.socket, socket.socket]


def test_a_few_octets_are_copied_without_a_pipe(pipes: Pipes, ends: Ends) -> None:
    """Most connections never need one."""
    sender, source, sink, receiver = ends
    direction = Direction(source, sink)
    sender.sendall(b"few")
    assert direction.turn(pipes) is Flow.DRAINED
    assert receiver.recv(10) == b"few"
    assert pipes.open == 0


def test_many_octets_go_through_a_pipe_that_is_given_back(pipes: Pipes, ends: Ends) -> None:
    """After the turn the pipe is another direction's."""
    sender, source, sink, receiver = ends
    sender.setblocking(False)
    sent = sender.send(os.urandom(4 * COPIED))
    direction = Direction(source, sink)
    while direction.turn(pipes) is not Flow.DRAINED:
        pass
    assert pipes.open == 1
    assert direction._pipe is None
    received = 0
    while received < sent:
        received += len(receiver.recv(1 << 20))


def test_the_end_comes_after_everything_before_it(pipes: Pipes, ends: Ends) -> None:
    """What is still held for a slow sink is not cut off."""
    sender, source, sink, receiver = ends
    direction = Direction(source, sink, b"first")
    sender.sendall(b" then this")
    sender.shutdown(socket.SHUT_WR)
    direction.ending = True
    assert direction.turn(pipes) is Flow.ENDED
    assert receiver.recv(100) == b"first then this"
    assert direction.turn(pipes) is Flow.ENDED


def test_pipes_are_small_at_first_and_bounded_in_number(pipes: Pipes) -> None:
    """A large one is grown from a small one; beyond the bound there is none."""
    small, large = pipes.take(SMALL_PIPE), pipes.take(LARGE_PIPE)
    assert small is not None
    assert small.size == SMALL_PIPE
    assert large is not None
    assert large.size in {SMALL_PIPE, LARGE_PIPE}  # the kernel may refuse a user who has many
    assert pipes.take(SMALL_PIPE) is None
    assert not pipes.can_be_had
    pipes.give_back(small)
    assert pipes.take(LARGE_PIPE) is small
    pipes.give_back(small)
    pipes.give_back(large)


def test_pipes_that_nobody_needs_are_closed(pipes: Pipes) -> None:
    """After two quiet ticks nothing is held; one that is in use meanwhile stays."""
    first, second = pipes.take(SMALL_PIPE), pipes.take(SMALL_PIPE)
    assert first is not None
    assert second is not None
    pipes.give_back(first)
    pipes.tick()
    pipes.tick()
    assert pipes.open == 1
    pipes.give_back(second)
    pipes.tick()
    pipes.tick()
    assert pipes.open == 0


def test_the_kernels_refusal_is_not_asked_for_again_at_once(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `pipe-user-pages-soft` used up, streams copy and the kernel has peace for a while."""
    asked = []

    def refuse(_flags: int) -> tuple[int, int]:
        asked.append(1)
        raise OSError

    monkeypatch.setattr(os, "pipe2", refuse)
    for _ in range(10):
        assert pipes.take(SMALL_PIPE) is None
    assert len(asked) == 1
    assert not pipes.can_be_had
