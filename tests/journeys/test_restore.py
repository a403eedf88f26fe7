"""An old backup is put back while everything runs."""

import os
import signal
from pathlib import Path

import pytest

from tests.peers.installation import RELAY, Installation
from tests.peers.waiting import wait_until

STEERED = "www.netflix.com"
BEFORE, AFTER = "127.0.0.1", "127.0.0.2"


def change(shared: Installation, verb: str, address: str) -> None:
    """Let an address in, or no longer, as an operator does."""
    changed = shared.command("address", verb, "owner@example.com", address)
    assert changed.returncode == 0, changed.stderr


@pytest.mark.parametrize("redis", ["there", "empty"])
def test_who_came_after_the_backup_is_no_longer_let_in(
    shared: Installation, tmp_path: Path, redis: str
) -> None:
    """Resolvers had come further than the backup, and take over what was restored all the same.

    Also where Redis starts anew meanwhile, and has forgotten how far everybody had come.
    """
    change(shared, "add", BEFORE)
    shared.dig_until(RELAY, STEERED, source=BEFORE)
    backup = tmp_path / "backup"
    assert shared.command("database", "backup", str(backup)).returncode == 0
    epoch = shared.status()["roles"]["resolver"]["epoch"]

    change(shared, "add", AFTER)
    change(shared, "remove", BEFORE)
    shared.dig_until(RELAY, STEERED, source=AFTER)
    shared.dig_until("status: REFUSED", STEERED, source=BEFORE)
    if redis == "empty":
        (pid,) = shared.pids("redis")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: shared.pids("redis") not in ([], [pid]))
    restored = shared.command("database", "restore", str(backup), "--yes")
    assert restored.returncode == 0, restored.stderr

    shared.dig_until("status: REFUSED", STEERED, source=AFTER)
    shared.dig_until(RELAY, STEERED, source=BEFORE)
    wait_until(lambda: shared.status()["roles"]["resolver"]["epoch"] > epoch + 1_000)
    change(shared, "remove", BEFORE)
    shared.dig_until("status: REFUSED", STEERED, source=BEFORE)
