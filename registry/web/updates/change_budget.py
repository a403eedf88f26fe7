"""How often an update token may change its address."""

import threading
from collections import Counter

from registry.actions.updaters.tokens import hash_token

MOST_CHANGES, WINDOW_S = 30, 600.0


class ChangeBudget:
    """Counts the changes of each token, in memory and by its hash, in windows of ten minutes.

    The address of a home changes only now and then. Two homes with the same token would replace
    each other's address again and again, and every change is work for every resolver.
    """

    def __init__(self, most: int = MOST_CHANGES, window_s: float = WINDOW_S) -> None:
        self._most, self._window_s = most, window_s
        self._lock = threading.Lock()
        self._window = 0
        self._counts: Counter[str] = Counter()

    def is_spent(self, token: str, now: float) -> bool:
        """Say whether the token has used up its changes; `now` is on the monotonic clock."""
        with self._lock:
            if (window := int(now // self._window_s)) != self._window:
                self._window, self._counts = window, Counter()
            return self._counts[hash_token(token)] >= self._most

    def spend(self, token: str) -> None:
        """Count one change of the token."""
        with self._lock:
            self._counts[hash_token(token)] += 1
