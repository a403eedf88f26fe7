"""The exact memo: a query's octets after its ID -> its reply's octets after the ID.

Everything that could change a reply is in the key (flags, counts, EDNS), so a hit is right by
construction. The client's profile decides which `View` is used.

    tables      source address -> current table of its view            one look-up
    current     key -> (address, length) of the reply in the arena     one look-up, this second
    young, old  key -> the same, its expiry, and where its TTLs lie    first hit in a second

A reply is copied into the arena when it is learned. The first hit in a second writes the TTLs of
that second over the former ones (0.6 us). When a second begins, only `current` is emptied. So TTLs
count down, and replies that nobody asks for cost nothing.

    arena    | young half: filled from its start -> |      old half: only read      |

When the young half is full, the old half is forgotten as a whole and the halves change places. The
next hit of an old reply copies it to the young half. So memory is bounded, nothing is freed piece
by piece, and only replies that nobody asked for are lost.

If a reply holds for every form of its query (`forms`), its plain form is kept. The first query in
another form gets it converted to that form, and the result is kept, too.
"""

import struct
from typing import Final

from smartdns.contract.grants import Profile
from smartdns.resolver.fast.batch import KEY_SIZE, VECTOR, map_private
from smartdns.resolver.fast.forms import form_of, in_form, in_plain_form
from smartdns.resolver.rendering import Rendered
from smartdns.wire.ttls import ttl_offsets

HALF_OCTETS: Final = 16 << 20
HALF_REPLIES: Final = 60_000
"""Each takes 450 octets more for Python's objects: keys, vectors, entries of the tables."""
MAX_ADDRESSES: Final = 65_536
MAX_VIEWS: Final = 4_096
MISS: Final = bytes(VECTOR.size)
"""In place of a vector: the memo has no reply."""

_FOR_EVER: Final = 1 << 62

_put_ttl: Final = struct.Struct("!I").pack_into

Entry = tuple[bytes, int, tuple[tuple[int, int], ...], bytes]
"""A reply's vector; the second in which it expires; for each TTL that counts down, its offset in
the arena and the second in which it is 0; the OPT record for other forms (`Rendered.opt`)."""


class Current(dict[bytes, bytes]):
    """One view's replies of this second; gives `MISS` for a query that it does not have."""

    __slots__ = ("_memo", "old", "young")

    def __init__(self, memo: "Memo") -> None:
        self._memo = memo
        self.young: dict[bytes, Entry] = {}
        self.old: dict[bytes, Entry] = {}

    def __missing__(self, key: bytes) -> bytes:
        """Answer the first hit in a second; the next ones in this second find it directly."""
        memo = self._memo
        entry = self.young.get(key)
        if entry is None:
            entry = memo.move_to_young(self, key) if key in self.old else None
            if entry is None:
                return MISS
        vector, until, ttls, _ = entry
        second = memo.second
        if second >= until:
            del self.young[key]
            return MISS
        for offset, zero in ttls:
            _put_ttl(memo.arena, offset, zero - second)
        self[key] = vector
        return vector


class Unknown(dict[bytes, bytes]):
    """Takes the place of a `Current` for an address that was not admitted."""

    __slots__ = ()

    def __missing__(self, key: bytes) -> bytes:
        return MISS


UNKNOWN: Final = Unknown()
Table = Current | Unknown


class Tables(dict[bytes, Table]):
    """Source address -> table; `UNKNOWN` for an address that was not admitted."""

    __slots__ = ()

    def __missing__(self, address: bytes) -> Table:
        return UNKNOWN


class View:
    """The replies for all clients with one profile."""

    __slots__ = ("current", "profile")

    def __init__(self, profile: Profile, memo: "Memo") -> None:
        self.profile = profile
        self.current = Current(memo)


class Memo:
    """The replies of one socket, bounded; only the socket's thread uses them."""

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
        """Whether the young half is full: call `turn` as soon as no vector is being used."""

    def begin_second(self, second: int) -> None:
        """Let the next hits write the TTLs of `second`; only between batches."""
        self.second = second
        for view in self._views.values():
            view.current.clear()

    @property
    def crowded(self) -> bool:
        """Whether there is no room for another view: call `forget`, and drop all views."""
        return len(self._views) >= MAX_VIEWS

    def turn(self) -> None:
        """Forget the old half, and let the halves change places; only between batches."""
        for view in self._views.values():
            current = view.current
            current.clear()
            current.old, current.young = current.young, {}
        self._start = self._half_octets - self._start
        self._free, self._replies, self.full = self._start, 0, False

    def view_for(self, profile: Profile) -> View:
        """Give the view of the clients with `profile`.

        The mirror has one object for equal profiles, and a view keeps its profile alive: so no
        other object can get the same `id`.
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

    def remember(self, view: View, key: bytes, reply: Rendered, second: int) -> None:
        """Keep a reply to `key`, rendered in `second`; unused if `view` was forgotten meanwhile."""
        body = reply.octets[2:]
        at = () if reply.constant else ttl_offsets(reply.octets)
        zeros = [second + int.from_bytes(reply.octets[each : each + 4]) for each in at]
        until = int(min(_FOR_EVER, reply.valid_until, *zeros))
        if until <= self.second or len(key) > KEY_SIZE - 2:
            return
        opt, form = reply.opt, form_of(key) if reply.opt else None
        plain = None if form is None else in_plain_form(form, body, opt)
        if form is not None and plain is not None:
            key, body = form.plain, plain
        elif form is not None and form.has_own_case:
            return
        ttls = tuple((each - 2, zero) for each, zero in zip(at, zeros, strict=True))
        self._keep(view.current, key, body, (MISS, until, ttls, b"" if plain is None else opt))

    def in_another_form(self, view: View, key: bytes) -> bytes | None:
        """Give the reply to `key` from that to its plain form, and keep it unless in mixed case."""
        form = form_of(key)
        if form is None or form.plain == key:
            return None
        current, plain = view.current, form.plain
        vector = current[plain]
        if vector is MISS:
            return None
        _, until, ttls, opt = current.young[plain]
        if not opt:
            return None
        body = in_form(form, self.at(vector), opt)
        if not form.has_own_case:  # random case (0x20): no other query will have the same
            start = self._start_of(vector)
            ttls = tuple((offset - start, zero) for offset, zero in ttls)
            self._keep(current, key, body, (vector, until, ttls, b""))
        return body

    def at(self, vector: bytes) -> bytes:
        """Copy the reply that a vector points to, after its ID."""
        start = self._start_of(vector)
        return self.arena[start : start + VECTOR.unpack(vector)[1]]

    def move_to_young(self, current: Current, key: bytes) -> Entry | None:
        """Copy a reply from the old half to the young one; None: there is no room."""
        vector, until, ttls, opt = current.old[key]
        former = self._start_of(vector)
        ttls = tuple((offset - former, zero) for offset, zero in ttls)
        entry = self._keep(current, key, self.at(vector), (vector, until, ttls, opt))
        if entry is not None:
            del current.old[key]
        return entry

    def forget_addresses(self) -> None:
        """Let the allowlist be asked again about each address: a grant or the day changed."""
        self.tables.clear()

    def forget(self) -> None:
        """Forget every reply: something that decisions depend on has changed."""
        self.tables.clear()
        self._views.clear()
        self._free, self._replies, self.full = self._start, 0, False

    def __len__(self) -> int:
        """Replies in the young half."""
        return self._replies

    def _start_of(self, vector: bytes) -> int:
        start: int = VECTOR.unpack(vector)[0] - self._arena_at
        return start

    def _keep(self, current: Current, key: bytes, body: bytes, entry: Entry) -> Entry | None:
        """Copy `body` to the arena; keep `entry` (TTL offsets within `body`). None: no room."""
        start = self._free
        end = start + len(body)
        if end > self._start + self._half_octets or self._replies >= self._half_replies:
            self.full = True
            return None
        self.arena[start:end] = body
        self._free = end
        self._replies += 1
        _, until, ttls, opt = entry
        ttls = tuple((start + offset, zero) for offset, zero in ttls)
        kept = (VECTOR.pack(self._arena_at + start, len(body)), until, ttls, opt)
        current.young[key] = kept
        current.pop(key, None)
        return kept
