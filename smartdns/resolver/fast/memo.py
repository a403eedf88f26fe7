"""The exact memo: a query's octets after its ID -> its reply's octets after the ID.

Everything that could change a reply is in the key (flags, counts, EDNS), so a hit is right by
construction. Which profile asks chooses the `View` that is looked into.

    tables      source address -> current table of its view            one look-up
    current     key -> (address, length) of the reply in the arena     one look-up, this second
    young, old  key -> the same, until when, and where its TTLs lie    first hit in a second

A reply lies in the arena from when it is learned. The first hit in a second writes the TTLs of
that second over the former ones (0.6 us); `current` is emptied when a second begins, and nothing
else is touched. So TTLs count down, and what nobody asks for costs nothing.

    arena    | young half: filled from its start -> |      old half: only read      |

When the young half is full, the old one is forgotten as a whole and the halves change places; what
is still asked for is copied over by its first hit. So memory is bounded, nothing is freed piece by
piece, and what has not been asked for is what goes.
"""

import struct
from collections.abc import Sequence
from typing import Final

from smartdns.contract.grants import Profile
from smartdns.resolver.fast.batch import KEY_SIZE, VECTOR, map_private
from smartdns.resolver.rendering import Rendered

HALF_OCTETS: Final = 16 << 20
HALF_REPLIES: Final = 60_000
"""With 450 octets of Python's for each: keys, vectors, entries of the tables."""
MAX_ADDRESSES: Final = 65_536
MAX_VIEWS: Final = 4_096
MISS: Final = bytes(VECTOR.size)
"""In place of a vector: this memo does not know."""

_FOR_EVER: Final = 1 << 62

_put_ttl: Final = struct.Struct("!I").pack_into

Entry = tuple[bytes, int, tuple[tuple[int, int], ...]]
"""Vector, the second from which on it holds no longer, and of each TTL that counts down the offset
in the arena and the second in which it is 0."""


class Current(dict[bytes, bytes]):
    """One view's replies of this second; gives `MISS` for what it does not have."""

    __slots__ = ("_memo", "old", "young")

    def __init__(self, memo: "Memo") -> None:
        self._memo = memo
        self.young: dict[bytes, Entry] = {}
        self.old: dict[bytes, Entry] = {}

    def __missing__(self, key: bytes) -> bytes:
        """Make the first hit in a second a direct one for the rest of it."""
        memo = self._memo
        entry = self.young.get(key)
        if entry is None:
            entry = memo.move_to_young(self, key) if key in self.old else None
            if entry is None:
                return MISS
        vector, until, ttls = entry
        second = memo.second
        if second >= until:
            del self.young[key]
            return MISS
        for offset, zero in ttls:
            _put_ttl(memo.arena, offset, zero - second)
        self[key] = vector
        return vector


class Unknown(dict[bytes, bytes]):
    """What takes a `Current`'s place for an address that is not known, or not now."""

    __slots__ = ()

    def __missing__(self, key: bytes) -> bytes:
        return MISS


UNKNOWN: Final = Unknown()
Table = Current | Unknown


class Tables(dict[bytes, Table]):
    """Source address -> table; `UNKNOWN` for who was not admitted."""

    __slots__ = ()

    def __missing__(self, address: bytes) -> Table:
        return UNKNOWN


class View:
    """What everybody with one profile is answered."""

    __slots__ = ("current", "profile")

    def __init__(self, profile: Profile, memo: "Memo") -> None:
        self.profile = profile
        self.current = Current(memo)


class Memo:
    """Replies of one socket's thread, bounded; not shared with another thread."""

    def __init__(self, half_octets: int = HALF_OCTETS, half_replies: int = HALF_REPLIES) -> None:
        """Remember at most twice `half_replies` in twice `half_octets`."""
        self.tables = Tables()
        self.second = 0
        self.arena, self._arena_at = map_private(2 * half_octets)
        self._half_octets, self._half_replies = half_octets, half_replies
        self._views: dict[int, View] = {}
        self._start = self._free = 0
        self._replies = 0
        self.full = False
        """The young half is: `turn` as soon as no vector is being used."""

    def begin_second(self, second: int) -> None:
        """Let TTLs be written anew; only between batches."""
        self.second = second
        for view in self._views.values():
            view.current.clear()

    @property
    def crowded(self) -> bool:
        """Whether no more profiles can be kept apart: `forget`, and with it every view given."""
        return len(self._views) >= MAX_VIEWS

    def turn(self) -> None:
        """Forget the old half and fill it anew; only between batches."""
        for view in self._views.values():
            current = view.current
            current.clear()
            current.old, current.young = current.young, {}
        self._start = self._half_octets - self._start
        self._free, self._replies, self.full = self._start, 0, False

    def view_for(self, profile: Profile) -> View:
        """Give the view of whoever has `profile`.

        The mirror has one object for equal profiles, and the view keeps its own alive, so that an
        `id` stays its.
        """
        view = self._views.get(id(profile))
        if view is None:
            view = View(profile, self)
            if len(self._views) < MAX_VIEWS:
                self._views[id(profile)] = view
        return view

    def admit(self, address: bytes, view: View) -> None:
        """Let `address` find its view by one look-up until `forget_addresses`."""
        if len(self.tables) >= MAX_ADDRESSES:
            self.tables.clear()
        self.tables[address] = view.current

    def remember(self, view: View, key: bytes, reply: Rendered) -> None:
        """Keep a reply to the query `key`, which was rendered in this second.

        A view that was forgotten meanwhile keeps it for nobody.
        """
        body = reply.octets[2:]
        at = () if reply.constant else ttl_offsets(reply.octets)
        zeros = [self.second + int.from_bytes(reply.octets[each : each + 4]) for each in at]
        until = int(min(_FOR_EVER, reply.valid_until, *zeros))
        if until <= self.second or len(key) > KEY_SIZE - 2:
            return
        start = self._place(body)
        if start is None:
            return
        ttls = tuple((start + each - 2, zero) for each, zero in zip(at, zeros, strict=True))
        vector = VECTOR.pack(self._arena_at + start, len(body))
        view.current.young[key] = (vector, until, ttls)
        view.current.pop(key, None)

    def move_to_young(self, current: Current, key: bytes) -> Entry | None:
        """Copy a reply over from the old half; None where there is no room."""
        vector, until, ttls = current.old[key]
        address, length = VECTOR.unpack(vector)
        former = address - self._arena_at
        start = self._place(self.arena[former : former + length])
        if start is None:
            return None
        entry = (
            VECTOR.pack(self._arena_at + start, length),
            until,
            tuple((offset - former + start, zero) for offset, zero in ttls),
        )
        current.young[key] = entry
        del current.old[key]
        return entry

    def forget_addresses(self) -> None:
        """Ask the allowlist again for everybody: a grant has changed, or the day has."""
        self.tables.clear()

    def forget(self) -> None:
        """Forget every reply: what the decision looks at has changed."""
        self.tables.clear()
        self._views.clear()
        self._free, self._replies, self.full = self._start, 0, False

    def __len__(self) -> int:
        """Replies in the young half."""
        return self._replies

    def _place(self, body: bytes) -> int | None:
        start = self._free
        end = start + len(body)
        if end > self._start + self._half_octets or self._replies >= self._half_replies:
            self.full = True
            return None
        self.arena[start:end] = body
        self._free = end
        self._replies += 1
        return start


def ttl_offsets(octets: bytes) -> Sequence[int]:
    """Give where the TTLs of a reply of ours lie, but for the OPT record's."""
    count = sum(int.from_bytes(octets[at : at + 2]) for at in (6, 8, 10))
    offset = _after_name(octets, 12) + 4
    found = []
    for _ in range(count):
        fields_at = _after_name(octets, offset)
        if octets[fields_at : fields_at + 2] != b"\0\x29":
            found.append(fields_at + 4)
        offset = fields_at + 10 + int.from_bytes(octets[fields_at + 8 : fields_at + 10])
    return found


def _after_name(octets: bytes, offset: int) -> int:
    while (size := octets[offset]) and size < 0xC0:
        offset += size + 1
    return offset + (2 if size else 1)
