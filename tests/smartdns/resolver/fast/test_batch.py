"""Batches of datagrams and the memory they lie in."""

import ctypes
import socket

from smartdns.resolver.fast.batch import DatagramBatch


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
