"""Waiting for what another process does."""

import time
from collections.abc import Callable
from typing import Final

HANG_S: Final = 120.0
"""Longer than anything takes here on a busy machine: a wait that reaches it hangs."""


def wait_until(happened: Callable[[], bool]) -> None:
    """Look every few milliseconds; fail where it hangs."""
    deadline = time.monotonic() + HANG_S
    while not happened():
        assert time.monotonic() < deadline, f"not within {HANG_S} s"
        time.sleep(0.02)
