"""Prefixes of one length -> a small number: extendible hashing in private memory.

                 directory (2**depth references, by the hash's low bits)
                 +---+---+---+---+---+---+---+---+
                 | a | b | c | b | d | b | c | b |      b is referred to four times: it has
                 +---+---+---+---+---+---+---+---+      looked at one bit of the hash so far
                   |
                   v  segment: 1 to 6 pages, open addressing from the hash's high bits
                 +------------+--------+------------+--------+---
                 | key 4/8/16 | number | key        | number |  …     number 0: never used
                 +------------+--------+------------+--------+---     number 1: removed

A segment that is 75 % full is copied into a larger one, and beyond six pages into two. So no
change touches more than 3,000 slots (about two milliseconds), at whatever size: a dictionary of a
million stalls its process for 40 ms when it grows and for 20 ms when it is freed. Segments are
between 50 % and 75 % full: 11 to 16 octets for each IPv4 address, 16 to 24 for each IPv6 /64.

**Look-ups from other threads.** One thread changes the table, any may look up, without a lock.
Under the GIL a slot is read and written by one call into C, so key and number always belong
together. A segment is replaced by copies of equal content, and the directory by a longer one of
equal content, each by one reference; a look-up that still reads the old one misses only changes
that came after the look-up began.
"""

import mmap
from collections.abc import Callable, Iterable, Iterator
from struct import Struct
from typing import Final

PAGE: Final = 4096
MOST_PAGES: Final = 6
FULLEST: Final = 0.75
"""A segment beyond this share of used slots is copied: probing grows long."""
ROOM: Final = 1.45
"""Slots of a new segment for each key in it."""

NEVER_USED: Final = 0
REMOVED: Final = 1
FIRST_NUMBER: Final = 2


class _Segment:
    __slots__ = ("capacity", "depth", "expected", "memory", "most", "removed", "used")

    def __init__(self, depth: int, expected: int) -> None:
        self.memory: mmap.mmap | bytes = bytes(32)  # one slot, never used
        self.capacity = 1
        self.most = 0
        """Keys in used slots beyond which it is copied; 0: before the first is put."""
        self.depth = depth
        self.expected = expected
        """How many keys to make room for when the first comes."""
        self.used = 0
        """Slots that were ever used."""
        self.removed = 0
        """Those of them that hold no key now."""

    def make_room(self, slot_size: int) -> None:
        pages = -(-int(self.expected * ROOM * slot_size) // PAGE) or 1
        # Private and anonymous: no page of it may ever belong to a file.
        self.memory = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.capacity = pages * PAGE // slot_size
        self.most = int(self.capacity * FULLEST)


class PrefixTable:
    """Keys of `width` octets (4, 8 or 16) -> a number from `FIRST_NUMBER` to 2**32 - 1."""

    __slots__ = ("_directory", "_pack", "_size", "_slot", "_unpack")

    def __init__(self, width: int, expected: int = 0) -> None:
        self._slot = Struct(f"={width}sI")
        self._size = self._slot.size
        self._unpack: Callable[..., tuple[bytes, int]] = self._slot.unpack_from
        self._pack = self._slot.pack_into
        fitting = int(MOST_PAGES * PAGE // self._size / ROOM)
        depth = max(0, (-(-expected // fitting) - 1).bit_length())
        # Memory for each segment is taken when its first key comes, not all of it at once.
        self._directory = [_Segment(depth, expected >> depth)] * (1 << depth)

    def find(self, key: bytes) -> int:
        """Give the number of `key`, or 0."""
        hashed = hash(key)
        directory = self._directory
        segment = directory[hashed & (len(directory) - 1)]
        memory, capacity = segment.memory, segment.capacity
        place = (hashed >> 32) % capacity
        while True:
            found, number = self._unpack(memory, place * self._size)
            if found == key and number != REMOVED:
                return number
            if number == NEVER_USED:
                return NEVER_USED
            place = place + 1 if place + 1 < capacity else 0

    def put(self, key: bytes, number: int) -> int:
        """Set the number of `key`; gives the one it had, or 0."""
        hashed = hash(key)
        segment = self._directory[hashed & (len(self._directory) - 1)]
        offset = (hashed >> 32) % segment.capacity * self._size
        before, fresh = self._unpack(segment.memory, offset)[1], True
        if before != NEVER_USED:
            offset, before, fresh = self._place(segment, key, hashed)
        if before:
            self._pack(segment.memory, offset, key, number)
            return before
        if fresh and segment.used >= segment.most:
            self._make_room(segment, hashed)
            return self.put(key, number)
        self._pack(segment.memory, offset, key, number)
        if fresh:
            segment.used += 1
        else:
            segment.removed -= 1
        return 0

    def put_all(self, keys: Iterable[bytes], numbers: Iterable[int]) -> list[int]:
        """Set the numbers of many keys; gives those that keys had before, but for 0.

        Half as long for each as `put`, which is left what is not plainly new.
        """
        unpack, pack, size, before = self._unpack, self._pack, self._size, []
        directory, mask = self._directory, len(self._directory) - 1
        for key, number in zip(keys, numbers, strict=True):
            hashed = hash(key)
            segment = directory[hashed & mask]
            if segment.used < segment.most:
                memory, capacity = segment.memory, segment.capacity
                offset, end = (hashed >> 32) % capacity * size, capacity * size
                found, there = unpack(memory, offset)
                while there > REMOVED and found != key:
                    offset = offset + size if offset + size < end else 0
                    found, there = unpack(memory, offset)
                if there == NEVER_USED:
                    pack(memory, offset, key, number)
                    segment.used += 1
                    continue
            if former := self.put(key, number):
                before.append(former)
            directory, mask = self._directory, len(self._directory) - 1
        return before

    def remove(self, key: bytes) -> int:
        """Take `key` out; gives the number it had, or 0."""
        hashed = hash(key)
        segment = self._directory[hashed & (len(self._directory) - 1)]
        offset, before, _ = self._place(segment, key, hashed)
        if before:
            self._pack(segment.memory, offset, key, REMOVED)
            segment.removed += 1
        return before

    def __len__(self) -> int:
        return sum(segment.used - segment.removed for segment in self.segments())

    def segments(self) -> "list[_Segment]":
        """Give everything that holds memory, so that it may be let go of bit by bit."""
        return list({id(segment): segment for segment in self._directory}.values())

    def _place(self, segment: _Segment, key: bytes, hashed: int) -> tuple[int, int, bool]:
        """Offset where `key` is or belongs, the number it has or 0, whether that slot is fresh."""
        memory, capacity, size = segment.memory, segment.capacity, self._size
        place, vacated = (hashed >> 32) % capacity, -1
        while True:
            found, number = self._unpack(memory, place * size)
            if number == NEVER_USED:
                return (place * size, 0, True) if vacated < 0 else (vacated, 0, False)
            if number == REMOVED:
                vacated = place * size if vacated < 0 else vacated
            elif found == key:
                return place * size, number, False
            place = place + 1 if place + 1 < capacity else 0

    def _make_room(self, segment: _Segment, hashed: int) -> None:
        """Put copies without removed keys in place of a full segment: one, or two halves."""
        live, depth = list(self._live(segment)), segment.depth
        expected = max(len(live) + 1, segment.expected)
        if int(expected * ROOM * self._size) <= MOST_PAGES * PAGE:
            copies = [self._copy(live, depth, expected)]
        else:
            bit = 1 << depth
            halves: tuple[list[tuple[bytes, int]], ...] = [], []
            for key, number in live:
                halves[bool(hash(key) & bit)].append((key, number))
            copies = [self._copy(half, depth + 1, len(half) + 1) for half in halves]
            if bit == len(self._directory):
                self._directory = self._directory * 2
        first = hashed & ((1 << depth) - 1)
        for index in range(first, len(self._directory), 1 << depth):
            self._directory[index] = copies[(index >> depth) & (len(copies) - 1)]

    def _live(self, segment: _Segment) -> Iterator[tuple[bytes, int]]:
        if segment.used:
            with memoryview(segment.memory)[: segment.capacity * self._size] as view:
                for key, number in self._slot.iter_unpack(view):
                    if number >= FIRST_NUMBER:
                        yield key, number

    def _copy(self, live: list[tuple[bytes, int]], depth: int, expected: int) -> _Segment:
        segment = _Segment(depth, expected)
        segment.make_room(self._size)
        for key, number in live:
            offset, _, _ = self._place(segment, key, hash(key))
            self._pack(segment.memory, offset, key, number)
        segment.used = len(live)
        segment.expected = 0
        return segment
