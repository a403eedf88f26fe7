"""How often an update token may change its address."""

import threading
from collections import Counter

from registry.actions.updaters.tokens import hash_token

MOST_CHANGES, WINDOW_S = 30, 600.0


class ChangeBudget:
    """How often one token may change its address: in memory, by hash, for a window at a time.

    A home moves once in a while; two that share a token would push each other out for ever, and
    each change is work for every resolver.
    """

    def __init__(self, most: int = MOST_CHANGES, window_s: float = WINDOW_S) -> None:
        self._most, self._window_s = most, window_s
        self._lock = threading.Lock()
        self._window = 0
        self._counts: Counter[str] = Counter()

    def is_spent(self, token: str, now: float) -> bool:
        """Say whether the token has changed its address often enough for now."""
        with self._lock:
            if (window := int(now // self._window_s)) != self._window:
                self._window, self._counts = window, Counter()
            return self._counts[hash_token(token)] >= self._most

    def spend(self, token: str) -> None:
        """Count a change."""
        with self._lock:
            self._counts[hash_token(token)] += 1
