"""How many connections may be open at a time, of clients and of strangers."""

from collections import Counter

_MOST_PER_STRANGER = 5


class StreamLimits:
    """Counts open connections, and limits them in total and for each client.

    Strangers only get refusals: all of them may hold a quarter of the total, and each a few.
    """

    def __init__(self, most: int, most_per_client: int) -> None:
        self._most = most
        self._most_per_client = most_per_client
        self._clients: Counter[bytes] = Counter()
        self._strangers: Counter[bytes] = Counter()

    def enter(self, key: bytes, *, stranger: bool) -> bool:
        """Count one more connection of `key`; False: that would be too many."""
        kind, most, most_each = self._clients, self._most, self._most_per_client
        if stranger:
            kind, most, most_each = self._strangers, self._most // 4, _MOST_PER_STRANGER
        total = self._clients.total() + self._strangers.total()
        if total >= self._most or kind.total() >= most or kind[key] >= most_each:
            return False
        kind[key] += 1
        return True

    def leave(self, key: bytes, *, stranger: bool) -> None:
        """Count one connection less."""
        kind = self._strangers if stranger else self._clients
        kind[key] -= 1
        if not kind[key]:
            del kind[key]  # keep no trace of the client
