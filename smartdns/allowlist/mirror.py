"""The allowlist in memory, which answers every look-up."""

from collections.abc import Callable

from smartdns.allowlist.grant_table import GrantTable, packed_network
from smartdns.contract.addresses import Network
from smartdns.contract.grants import GrantChange, Head, Profile
from smartdns.contract.redis_layout import encode_profile

KEEP_FOR_S = 24 * 3600.0
"""Seconds that an allowlist is used after it was last confirmed."""

Listener = Callable[[Network | None], None]
"""Called after each visible change, with the network concerned; None: any may have changed."""


class Mirror:
    """The published allowlist as of `head`; only a higher head ever changes it.

    `apply`, `replace`, `confirm` and `expire` belong to one thread. Look-ups and `generation`
    may be read from any thread without a lock (`grant_table` says why). A caller that keeps the
    result of a look-up reads `generation` *before* the look-up and keeps both: it is raised *after*
    a change can be seen, so a result kept under the current generation is never stale.
    """

    def __init__(self, keep_for_s: float = KEEP_FOR_S) -> None:
        self.head: Head | None = None
        """How far this mirror has come; None: never loaded."""
        self.loaded = False
        """False before the first snapshot, and when nobody confirmed it for too long: everybody
        is refused then."""
        self.generation = 0
        self._grants = GrantTable()
        self._keep_for_s = keep_for_s
        self._confirmed_at = 0.0
        self._listeners: list[Listener] = []

    def lookup(self, address: bytes, day: int) -> Profile | None:
        """What the source `address` (4 or 16 octets) may see on `day`; None: it is a stranger.

        The longest network that holds the address and whose grant holds on `day` (a UTC day's
        `toordinal()`) counts. Fails closed: None for everybody while not `loaded`.
        """
        return self._grants.lookup(address, day) if self.loaded else None

    def lookup_network(self, address: bytes, day: int) -> tuple[Profile, int] | None:
        """The same, with the prefix length of the network that counts: its rates are shared."""
        return self._grants.lookup_network(address, day) if self.loaded else None

    def count(self) -> int:
        """Count the networks, those whose grant has expired included."""
        return len(self._grants)

    def apply(self, change: GrantChange) -> bool:
        """Apply the change that follows `head` directly; False, and nothing done, for any other.

        Changes that came before are doubled or reordered messages; a gap takes a snapshot.
        """
        if self.head is None or not follows(change.head, self.head):
            return False
        changed = apply_change(self._grants, change)
        self.head = change.head
        if changed and self.loaded:
            self._tell(change.network)
        return True

    def replace(self, head: Head, grants: GrantTable, now: float) -> list[object]:
        """Take over a snapshot that was built aside, if it is newer; gives what to let go of.

        The result holds all memory of the former grants: drop it piece by piece, since freeing
        a million at once stalls the process.
        """
        if self.head is not None and head <= self.head:
            return grants.pieces()
        former, self._grants, self.head = self._grants, grants, head
        self.loaded, self._confirmed_at = True, now
        self._tell(None)
        return former.pieces()

    def confirm(self, now: float) -> None:
        """Note that the published head was seen to be `head` at `now` (monotonic seconds)."""
        self._confirmed_at = now
        if self.head is not None and not self.loaded:
            self.loaded = True
            self._tell(None)

    def expire(self, now: float) -> None:
        """Fail closed once nobody has confirmed the allowlist for too long."""
        if self.loaded and now - self._confirmed_at > self._keep_for_s:
            self.loaded = False
            self._tell(None)

    def on_change(self, listener: Listener) -> None:
        """Call `listener` after each visible change: the relay cuts who was removed."""
        self._listeners.append(listener)

    def _tell(self, network: Network | None) -> None:
        self.generation += 1
        for listener in self._listeners:
            listener(network)


def follows(later: Head, earlier: Head) -> bool:
    """Say whether nothing can have been published between the two."""
    return later.epoch == earlier.epoch and later.position == earlier.position + 1


def apply_change(grants: GrantTable, change: GrantChange) -> bool:
    """Apply one change to a table; says whether it made a difference."""
    address, prefix_length = packed_network(change.network)
    if change.profile is None:
        return grants.remove(address, prefix_length)
    return grants.put(address, prefix_length, encode_profile(change.profile).encode())
