"""Batches of datagrams and the memory they lie in."""

import ctypes
import fcntl
import os
import socket
from collections.abc import Iterator

import pytest

from smartdns.resolver.fast.batch import BATCH, KEY_SIZE, DatagramBatch


def test_the_last_datagrams_are_forgotten_in_locked_memory_too() -> None:
    """A worker that may lock its memory does, and keeps neither senders nor queries."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        listener.bind(("127.0.0.1", 0))
        batch = DatagramBatch(listener, multihomed=False)
        buffers = (batch.queries, batch.peers, batch.overflow)
        for each in (batch.queries, batch.peers):  # unprivileged, too, may lock as much
            at = ctypes.addressof(ctypes.c_char.from_buffer(each))
            assert libc.mlock(ctypes.c_void_p(at), len(each)) == 0, ctypes.get_errno()
        client.bind(("127.0.0.9", 0))
        client.sendto(b"question" * 40, listener.getsockname())
        assert batch.receive(wait=True) == 1
        assert b"question" in batch.datagram(0, 320)
        assert b"\x7f\0\0\x09" in batch.peers[:]
        batch.forget()
        assert not any(any(each[:]) for each in buffers)
        client.sendto(b"question" * 40, listener.getsockname())
        assert batch.receive(wait=True) == 1
        assert batch.datagram(0, 320) == b"question" * 40


@pytest.fixture
def pair() -> Iterator[tuple[DatagramBatch, socket.socket, socket.socket]]:
    """A batch of one listener, and two who ask it."""
    kind = socket.AF_INET, socket.SOCK_DGRAM
    with socket.socket(*kind) as listener, socket.socket(*kind) as one, socket.socket(*kind) as two:
        listener.bind(("127.0.0.1", 0))
        for each in (one, two):
            each.connect(listener.getsockname())
            each.settimeout(60)
        yield DatagramBatch(listener, multihomed=False), one, two


Pair = tuple[DatagramBatch, socket.socket, socket.socket]


def test_as_many_as_are_there_are_taken_at_once(pair: Pair) -> None:
    """At most a batch; the rest with the next call, and then none."""
    batch, one, _ = pair
    for number in range(BATCH + 3):
        one.send(number.to_bytes(2) + b"query")
    assert batch.receive(wait=False) == BATCH
    assert [batch.datagram(i, 7)[:2] for i in range(BATCH)] == [i.to_bytes(2) for i in range(BATCH)]
    assert batch.receive(wait=True) == 3
    assert batch.receive(wait=False) == 0


def test_waiting_ends_by_itself(pair: Pair) -> None:
    """After the time that its socket was given, with nothing."""
    batch, _, _ = pair
    fcntl.fcntl(batch.descriptor, fcntl.F_SETFL, os.O_NONBLOCK)  # as another process may have it
    assert batch.receive(wait=True) == 0
    assert os.get_blocking(batch.descriptor)


@pytest.mark.parametrize("length", [1, KEY_SIZE, KEY_SIZE + 1, 4_000])
def test_a_datagram_is_read_whole_and_answered_with_its_id(pair: Pair, length: int) -> None:
    """However long it is, from scratch or with itself."""
    batch, one, two = pair
    query = bytes(octet % 251 for octet in range(length))
    for each in (one, two):
        each.send(query)
    assert batch.receive(wait=False) == 2
    assert [batch.datagram(i, length) for i in range(2)] == [query] * 2
    batch.answer_from_scratch(0, b"made for it")
    if 4 <= length <= KEY_SIZE:
        batch.answer_from_query(1, length, b"\x81\x85")
    else:
        batch.answer_from_scratch(1, b"")
    batch.send(0, 2)
    if length >= 2:
        assert one.recv(512) == query[:2] + b"made for it"
    if 4 <= length <= KEY_SIZE:
        assert two.recv(512) == query[:2] + b"\x81\x85" + query[4:]


def test_a_reply_that_the_kernel_refuses_takes_none_with_it(pair: Pair) -> None:
    """To port 0 nothing can be sent; those before and after it are."""
    batch, one, two = pair
    for each in (one, two, one):
        each.send(b"\0\7query")
    assert batch.receive(wait=False) == 3
    peer, _ = batch.ways_back[1]
    batch.peers[peer.start + 2 : peer.start + 4] = b"\0\0"
    for i in range(3):
        batch.answer_from_scratch(i, bytes((i,)))
    batch.send(0, 3)
    assert [one.recv(512) for _ in range(2)] == [b"\0\7\0", b"\0\7\2"]
