"""One reading of all grants, put right by the changes that were published meanwhile."""

from collections import Counter

from smartdns.allowlist.grant_table import GrantTable, read_network
from smartdns.allowlist.mirror import apply_change, follows
from smartdns.contract.grants import GrantChange, Head
from smartdns.contract.redis_layout import LayoutError

LARGE = 10_000
"""From here on it pays to make room beforehand."""


class Snapshot:
    """What a scan gave, which is of no single moment, and each change since it began.

    Begin with the head as it was before the scan. Applying in order every change after it gives
    the state at the last of them, whatever the scan had already seen of them: a change says what
    a network's grant *is*.
    """

    def __init__(self, before: Head, size: int) -> None:
        self.head = before
        """The last change that was heard of."""
        self.void = False
        """A rebuild or a lost message came between: this reading is of no use."""
        self.grants = GrantTable()
        self.unreadable = 0
        """Entries left out since this version cannot read them."""
        self._size = size if size >= LARGE else 0
        self._later: list[GrantChange] = []

    def read(self, fields: list[bytes]) -> None:
        """Add a part of the scan: network, profile, network, profile and so on."""
        if self._size:
            self._make_room(fields[::2])
        self.unreadable += self.grants.put_all(fields)

    def hear(self, message: GrantChange | Head) -> None:
        """Keep a change that was published since; what came before the snapshot is passed over."""
        if isinstance(message, Head):
            self.void |= message > self.head
        elif follows(message.head, self.head):
            self._later.append(message)
            self.head = message.head
        else:
            self.void |= message.head > self.head

    def catch_up(self, most: int) -> bool:
        """Apply up to `most` of the changes heard; says whether more are left."""
        now, self._later = self._later[:most], self._later[most:]
        for change in now:
            apply_change(self.grants, change)
        return bool(self._later)

    def _make_room(self, networks: list[bytes]) -> None:
        """Expect in the whole what this first part, a sample as good as any, has of each length."""
        shares: Counter[tuple[int, int]] = Counter()
        for network in networks:
            try:
                address, prefix_length = read_network(network)
                shares[len(address), prefix_length] += 1
            except LayoutError:
                pass
        for (octets, prefix_length), count in shares.items():
            self.grants.expect(octets, prefix_length, self._size * count // len(networks))
        self._size = 0
