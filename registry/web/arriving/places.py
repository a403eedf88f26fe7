"""Places for work that may take long: few in all, and fewer for one client."""

import threading
from collections import Counter
from collections.abc import Hashable


class Places:
    """Counts who has a place; any thread may call it."""

    def __init__(self, most: int, most_per_client: int) -> None:
        self._most, self._most_per_client = most, most_per_client
        self._lock = threading.Lock()
        self._taken: Counter[Hashable] = Counter()

    def take(self, client: Hashable) -> bool:
        """Take a place for `client`; False: there is none for it now."""
        with self._lock:
            if self._taken.total() >= self._most or self._taken[client] >= self._most_per_client:
                return False
            self._taken[client] += 1
            return True

    def leave(self, client: Hashable) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[client] -= 1
            if not self._taken[client]:
                del self._taken[client]
