"""Datagrams in batches: recvmmsg(2) and sendmmsg(2) over buffers that never move.

One `DatagramBatch` holds room for `BATCH` queries and for the vectors of their replies. Python
copies no payload: the kernel gathers a reply's first two octets (the ID) from the query's buffer.

    slot i of `queries`    | ID | the query after its ID, up to 126 octets |
    slot i of `overflow`   | the rest of a longer query |
    slot i of `peers`      | sockaddr of the sender, which is where the reply goes |
    slot i of `controls`   | the address that was asked (IP_PKTINFO), echoed as the one to use |
    slot i of `scratch`    | a reply that was made for this one query, after its ID |
    slot i of `vectors`    | address, length of the reply after its ID |     written for each hit

    a received message  = queries[i], overflow[i]           (two vectors)
    a sent message      = queries[i][:2], vectors[i]        (two vectors)

`vectors[i]` points to one of three places: the memo's arena, `scratch[i]`, or `queries[i][2:]`
itself (a refusal is the query with two octets changed). Every buffer is a private anonymous
mapping, so no page of it ever belongs to a file.
"""

import ctypes
import errno
import mmap
import os
import socket
import struct
import sys
from typing import Final

BATCH: Final = 64
KEY_SIZE: Final = 128
LONGEST_DATAGRAM: Final = 65536
VECTOR: Final = struct.Struct("QQ")
"""struct iovec: address, length."""

_HEADER: Final = struct.Struct("QI4xQQQQi4xI4x")
"""struct mmsghdr on 64-bit Linux: name, namelen, iov, iovlen, control, controllen, flags, len."""
LENGTHS: Final = tuple(struct.Struct("56xI4x" * count).unpack_from for count in range(BATCH + 1))
"""By count: unpacks the lengths of that many datagrams. To unpack all 64 would cost 0.8 us."""
_ADDRESSES: Final = {
    socket.AF_INET: tuple(struct.Struct("4x4s24x" * n).unpack_from for n in range(BATCH + 1)),
    socket.AF_INET6: tuple(struct.Struct("8x16s8x" * n).unpack_from for n in range(BATCH + 1)),
}
"""By count: unpacks the addresses of that many senders from sockaddr_in or sockaddr_in6."""
_PEER_SIZES: Final = {socket.AF_INET: 16, socket.AF_INET6: 28}
_PEER_SPACE: Final = 32
SCRATCH_SIZE: Final = 4096
_CONTROL_SIZES: Final = {socket.AF_INET: 32, socket.AF_INET6: 40}
"""CMSG_SPACE of in_pktinfo and in6_pktinfo, exactly: so the kernel does not change the length."""
_CONTROL_SPACE: Final = 64
_INTERFACES: Final = slice(4, None, _CONTROL_SPACE // 4)
"""ipi_ifindex in each slot of `controls`, counted in 32-bit numbers."""
_NO_INTERFACES: Final = memoryview(bytes(4 * BATCH)).cast("I")
_MSG_WAITFORONE: Final = 0x10000
_NO_FLAGS: Final = ctypes.c_int(0)
_PASSING: Final = frozenset(
    {errno.EINTR, errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENOMEM}
)
"""Errors that concern an earlier reply (a peer that has gone) or pass by themselves."""

_libc = ctypes.CDLL(None, use_errno=True)


def is_supported() -> bool:
    """Say whether this is 64-bit Linux, whose structures this module lays out."""
    return (
        sys.platform == "linux"
        and struct.calcsize("P") == 8
        and hasattr(_libc, "recvmmsg")
        and hasattr(_libc, "sendmmsg")
    )


def map_private(size: int) -> tuple[mmap.mmap, int]:
    """Map `size` octets that belong to this process alone; give the mapping and its address.

    Without these flags `mmap(-1)` would be a shared mapping of /dev/zero.
    """
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return memory, ctypes.addressof(ctypes.c_char.from_buffer(memory))


class DatagramBatch:
    """Buffers for one socket's batches, used by one thread.

    `slots` holds `(number, keys, vector)` for each slot, so that no slice object is built for a
    datagram: `queries[keys[length]]` is the query after its ID, and the reply's vector is written
    to `vectors[vector]`.
    """

    def __init__(self, listener: socket.socket, *, multihomed: bool) -> None:
        """Lay out buffers for `listener`; `multihomed`: reply from the address that was asked."""
        self.descriptor = listener.fileno()
        family = socket.AddressFamily(listener.family)
        self._peer_size = _PEER_SIZES[family]
        self._control_size = _CONTROL_SIZES[family] if multihomed else 0
        self._clears_interfaces = multihomed and family == socket.AF_INET
        self.queries, self._queries_at = map_private(BATCH * KEY_SIZE)
        self.overflow, self._overflow_at = map_private(BATCH * LONGEST_DATAGRAM)
        self._overflowed: set[int] = set()
        """Slots whose `overflow` holds part of a query."""
        self.peers, self._peers_at = map_private(BATCH * _PEER_SPACE)
        self.controls, self._controls_at = map_private(BATCH * _CONTROL_SPACE)
        self._control_numbers = memoryview(self.controls).cast("I")
        self.scratch, self._scratch_at = map_private(BATCH * SCRATCH_SIZE)
        self.received, self._received_at = map_private(BATCH * _HEADER.size)
        self._sent, self._sent_at = map_private(BATCH * _HEADER.size)
        self._received_vectors, received_vectors_at = map_private(BATCH * 2 * VECTOR.size)
        self.vectors, vectors_at = map_private(BATCH * 2 * VECTOR.size)
        for i in range(BATCH):
            pair, query = i * 2 * VECTOR.size, self._queries_at + i * KEY_SIZE
            rest = self._overflow_at + i * LONGEST_DATAGRAM
            VECTOR.pack_into(self._received_vectors, pair, query, KEY_SIZE)
            VECTOR.pack_into(self._received_vectors, pair + 16, rest, LONGEST_DATAGRAM)
            VECTOR.pack_into(self.vectors, pair, query, 2)
            self._lay_out(self.received, i, received_vectors_at + pair)
            self._lay_out(self._sent, i, vectors_at + pair)
        self.slots = tuple(_slot(i) for i in range(BATCH))
        self.own_vectors = tuple(
            tuple(
                VECTOR.pack(self._queries_at + i * KEY_SIZE + 2, max(length - 2, 0))
                for length in range(KEY_SIZE + 1)
            )
            for i in range(BATCH)
        )
        self.ways_back = tuple(
            (
                slice(i * _PEER_SPACE, i * _PEER_SPACE + self._peer_size),
                slice(i * _CONTROL_SPACE, i * _CONTROL_SPACE + self._control_size),
            )
            for i in range(BATCH)
        )
        """By slot: where in `peers` and `controls` the parts of its `WayBack` are."""
        self.headers = tuple(slice(i * KEY_SIZE + 2, i * KEY_SIZE + 4) for i in range(BATCH))
        self.addresses = _ADDRESSES[family]
        # Made once and passed without conversion: this saves a third of a call's 1.2 us.
        self._receive_arguments = tuple(
            (
                ctypes.c_int(self.descriptor), ctypes.c_void_p(self._received_at),
                ctypes.c_uint(BATCH), ctypes.c_int(flags), None,
            )
            for flags in (socket.MSG_DONTWAIT, _MSG_WAITFORONE)
        )  # fmt: skip
        self._descriptor = ctypes.c_int(self.descriptor)
        self._headers = [ctypes.c_void_p(self._sent_at + i * _HEADER.size) for i in range(BATCH)]
        self._counts = [ctypes.c_uint(count) for count in range(BATCH + 1)]

    def _lay_out(self, headers: mmap.mmap, i: int, pair_at: int) -> None:
        control_at = self._controls_at + i * _CONTROL_SPACE if self._control_size else 0
        _HEADER.pack_into(
            headers, i * _HEADER.size,
            self._peers_at + i * _PEER_SPACE, self._peer_size, pair_at, 2,
            control_at, self._control_size, 0, 0,
        )  # fmt: skip

    def receive(self, *, wait: bool) -> int:
        """Read the datagrams that have arrived; give their number.

        With `wait`, wait for the first one; 0 when that times out. Raises OSError when the socket
        can no longer be used.
        """
        count: int = _libc.recvmmsg(*self._receive_arguments[wait])
        if count > 0:
            if self._clears_interfaces:
                # The route decides the interface that a reply leaves by, not the query's.
                self._control_numbers[_INTERFACES] = _NO_INTERFACES
            return count
        error = ctypes.get_errno()
        if error == errno.EAGAIN:
            if wait:  # nothing came, or another process with this socket made it non-blocking
                os.set_blocking(self.descriptor, True)
        elif error not in _PASSING:
            raise OSError(error, os.strerror(error))
        return 0

    def send(self, first: int, end: int) -> None:
        """Send the replies of slots `first` to `end` (exclusive); skip those the kernel refuses."""
        while first < end:
            sent: int = _libc.sendmmsg(
                self._descriptor, self._headers[first], self._counts[end - first], _NO_FLAGS
            )
            # It stops at the first that fails (source port 0, an address gone): skip that one.
            first += sent if sent > 0 else 1

    def answer_from_scratch(self, i: int, reply: bytes) -> None:
        """Let slot `i` be answered with `reply`, at most SCRATCH_SIZE octets after the ID."""
        start = i * SCRATCH_SIZE
        self.scratch[start : start + len(reply)] = reply
        self.vectors[self.slots[i][2]] = VECTOR.pack(self._scratch_at + start, len(reply))

    def answer_from_query(self, i: int, length: int, flags: bytes) -> None:
        """Let slot `i` be answered with the query itself, with other `flags` in its header.

        `length` is that of the whole query, at most KEY_SIZE.
        """
        self.queries[self.headers[i]] = flags
        self.vectors[self.slots[i][2]] = self.own_vectors[i][length]

    def forget(self) -> None:
        """Write zeros over the last datagrams; only between batches.

        MADV_DONTNEED fails where memory is locked, and workers lock theirs. Of `overflow` only
        used slots are cleared: to touch all 4 MiB for the first time takes 12 ms.
        """
        for at, buffer in (
            (self._queries_at, self.queries),
            (self._peers_at, self.peers),
            (self._controls_at, self.controls),
            (self._scratch_at, self.scratch),
        ):
            ctypes.memset(at, 0, len(buffer))
        for i in self._overflowed:
            ctypes.memset(self._overflow_at + i * LONGEST_DATAGRAM, 0, LONGEST_DATAGRAM)
        self._overflowed.clear()

    def datagram(self, i: int, length: int) -> bytes:
        """Copy a whole datagram out."""
        start = i * KEY_SIZE
        if length <= KEY_SIZE:
            return self.queries[start : start + length]
        self._overflowed.add(i)
        rest = i * LONGEST_DATAGRAM
        first = self.queries[start : start + KEY_SIZE]
        return first + self.overflow[rest : rest + length - KEY_SIZE]


Slot = tuple[int, tuple[slice, ...], slice]


def _slot(i: int) -> Slot:
    keys = tuple(slice(i * KEY_SIZE + 2, i * KEY_SIZE + n) for n in range(KEY_SIZE + 1))
    return i, keys, slice(i * 2 * VECTOR.size + 16, (i + 1) * 2 * VECTOR.size)
