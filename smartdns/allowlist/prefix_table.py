"""Prefixes of one length -> a small number: extendible hashing in private memory.

                 directory (2**depth references, by the hash's low bits)
                 +---+---+---+---+---+---+---+---+
                 | a | b | c | b | d | b | c | b |      b is referred to four times: it has
                 +---+---+---+---+---+---+---+---+      looked at one bit of the hash so far
                   |
                   v  segment: 1 to 4 pages, open addressing from the hash's high bits
                 +------------+--------+------------+--------+---
                 | key 4/8/16 | number | key        | number |  …     number 0: never used
                 +------------+--------+------------+--------+---     number 1: removed

A segment that is 80 % full is copied into a larger one, and beyond four pages into two. So no
change touches more than 2,000 slots (about a millisecond), at whatever size: a dictionary of a
million stalls its process for 40 ms when it grows and for 20 ms when it is freed. Segments are
between 53 % and 80 % full: 10 to 15 octets for each IPv4 address, 15 to 23 for each IPv6 /64.

**Look-ups from other threads.** One thread changes the table, any may look up, without a lock.
Under the GIL a slot is read and written by one call into C, so key and number always belong
together. A segment is replaced by copies of equal content, and the directory by a longer one of
equal content, each by one reference; whoever still reads the old one misses only changes that
came after its look-up began.
"""

import mmap
from collections.abc import Iterator
from struct import Struct

PAGE = 4096
MOST_PAGES = 4
FULLEST = 0.8
"""A segment beyond this share of used slots is copied."""
ROOM = 1.35
"""Slots of a new segment for each key in it."""

NEVER_USED = 0
REMOVED = 1
FIRST_NUMBER = 2


class _Segment:
    __slots__ = ("capacity", "depth", "live", "memory", "most", "used")

    def __init__(self, live: int, depth: int, slot_size: int) -> None:
        pages = -(-int(live * ROOM * slot_size) // PAGE) or 1
        # Private and anonymous: no page of it may ever belong to a file.
        self.memory = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.capacity = pages * PAGE // slot_size
        self.most = int(self.capacity * FULLEST)
        self.depth = depth
        self.used = 0
        """Slots that were ever used."""
        self.live = 0
        """Slots that hold a key now."""


class PrefixTable:
    """Keys of `width` octets (4, 8 or 16) -> a number from `FIRST_NUMBER` to 2**32 - 1."""

    __slots__ = ("_directory", "_slot", "_width", "count")

    def __init__(self, width: int, expected: int = 0) -> None:
        self._width = width
        self._slot = Struct(f"={width}sI")
        self.count = 0
        """Keys in the table."""
        fitting = int(MOST_PAGES * PAGE // self._slot.size / ROOM)
        depth = max(0, (-(-expected // fitting) - 1).bit_length())
        self._directory = [
            _Segment(expected >> depth, depth, self._slot.size) for _ in range(1 << depth)
        ]

    def find(self, key: bytes) -> int:
        """Give the number of `key`, or 0."""
        hashed = hash(key)
        directory = self._directory
        segment = directory[hashed & (len(directory) - 1)]
        memory, capacity, slot = segment.memory, segment.capacity, self._slot
        size = slot.size
        place = (hashed >> 32) % capacity
        while True:
            found, number = slot.unpack_from(memory, place * size)
            if found == key and number >= FIRST_NUMBER:
                return int(number)
            if number == NEVER_USED:
                return 0
            place = place + 1 if place + 1 < capacity else 0

    def put(self, key: bytes, number: int) -> int:
        """Set the number of `key`; gives the one it had, or 0."""
        hashed = hash(key)
        segment = self._directory[hashed & (len(self._directory) - 1)]
        offset, before, fresh = self._place(segment, key, hashed)
        if before:
            self._slot.pack_into(segment.memory, offset, key, number)
            return before
        if fresh and segment.used >= segment.most:
            self._make_room(segment, hashed)
            return self.put(key, number)
        self._slot.pack_into(segment.memory, offset, key, number)
        segment.used += fresh
        segment.live += 1
        self.count += 1
        return 0

    def remove(self, key: bytes) -> int:
        """Take `key` out; gives the number it had, or 0."""
        hashed = hash(key)
        segment = self._directory[hashed & (len(self._directory) - 1)]
        offset, before, _ = self._place(segment, key, hashed)
        if before:
            self._slot.pack_into(segment.memory, offset, key, REMOVED)
            segment.live -= 1
            self.count -= 1
        return before

    def segments(self) -> list[object]:
        """Give everything that holds memory, so that it may be let go of bit by bit."""
        return list({id(segment): segment for segment in self._directory}.values())

    def _place(self, segment: _Segment, key: bytes, hashed: int) -> tuple[int, int, bool]:
        """Offset where `key` is or belongs, the number it has or 0, whether that slot is fresh."""
        slot, size, memory = self._slot, self._slot.size, segment.memory
        place, vacated = (hashed >> 32) % segment.capacity, -1
        while True:
            found, number = slot.unpack_from(memory, place * size)
            if number == NEVER_USED:
                return (place * size, 0, True) if vacated < 0 else (vacated, 0, False)
            if number == REMOVED:
                vacated = place * size if vacated < 0 else vacated
            elif found == key:
                return place * size, number, False
            place = (place + 1) % segment.capacity

    def _make_room(self, segment: _Segment, hashed: int) -> None:
        """Put copies without removed keys in place of a full segment: one, or two halves."""
        live, depth, size = list(self._live(segment)), segment.depth, self._slot.size
        if int((len(live) + 1) * ROOM * size) <= MOST_PAGES * PAGE:
            copies = [self._copy(live, depth)]
        else:
            bit = 1 << depth
            copies = [
                self._copy([slot for slot in live if not hash(slot[0]) & bit], depth + 1),
                self._copy([slot for slot in live if hash(slot[0]) & bit], depth + 1),
            ]
            if bit == len(self._directory):
                self._directory = self._directory * 2
        first = hashed & ((1 << depth) - 1)
        for index in range(first, len(self._directory), 1 << depth):
            self._directory[index] = copies[(index >> depth) & (len(copies) - 1)]

    def _live(self, segment: _Segment) -> Iterator[tuple[bytes, int]]:
        whole = segment.capacity * self._slot.size
        with memoryview(segment.memory)[:whole] as view:
            for key, number in self._slot.iter_unpack(view):
                if number >= FIRST_NUMBER:
                    yield key, number

    def _copy(self, live: list[tuple[bytes, int]], depth: int) -> _Segment:
        segment = _Segment(len(live) + 1, depth, self._slot.size)
        for key, number in live:
            offset, _, _ = self._place(segment, key, hash(key))
            self._slot.pack_into(segment.memory, offset, key, number)
        segment.used = segment.live = len(live)
        return segment
