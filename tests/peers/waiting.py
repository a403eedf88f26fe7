"""Waiting for what another process does."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

HANG_S: Final = 120.0
"""Longer than anything takes here on a busy machine: a wait that reaches it hangs."""


def wait_until(happened: Callable[[], bool]) -> None:
    """Look every few milliseconds; fail where it hangs."""
    deadline = time.monotonic() + HANG_S
    while not happened():
        assert time.monotonic() < deadline, f"not within {HANG_S} s"
        time.sleep(0.02)


def undisturbed_s() -> float:
    """Give a clock that stands while a thread of this process waits for a processor.

    What is to be quick is measured by it: on a busy machine only our own delay counts.
    """
    waits = sum(_waited_ns(each) for each in Path("/proc/self/task").glob("*/schedstat"))
    return time.monotonic() - waits / 1e9


def _waited_ns(schedstat: Path) -> int:
    try:
        return int(schedstat.read_text().split()[1])
    except OSError:  # the thread has ended
        return 0
