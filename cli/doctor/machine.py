"""Checks of the machine: clock, disk, file descriptors, and access to the state folder."""

import os
import resource
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from cli.doctor.finding import Finding
from cli.state import State
from registry.day import utc_day

LEAST_FREE_OCTETS = 64 << 20
LEAST_DESCRIPTORS = 4_096
_DAY_S = 86_400.0


def check(state: State) -> Iterator[Finding]:
    """Run every check of this file."""
    yield from check_clock(time.time())
    yield from check_disk(shutil.disk_usage(_existing(state.folder)).free)
    yield from check_descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    yield from check_folder(state.folder)


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)


def check_clock(now: float) -> Iterator[Finding]:
    """Find a clock that is earlier than our own files: then accounts would end on wrong days."""
    written = os.stat(__file__).st_mtime  # noqa: PTH116
    if now < written - _DAY_S:
        yield Finding(
            "clock-off",
            f"the clock of this machine says {utc_day(now)}, before this software was installed",
            "Set the clock and keep it right: apt-get install systemd-timesyncd.",
        )


def check_disk(free_octets: int) -> Iterator[Finding]:
    """Find a full disk: registrations need space, queries do not."""
    if free_octets < LEAST_FREE_OCTETS:
        yield Finding(
            "disk-full",
            f"the state folder's disk has {free_octets >> 20} MiB left: soon nobody can register",
            "Free some space, or move the folder and use --state DIR.",
        )


def check_descriptors(hard_limit: int) -> Iterator[Finding]:
    """Find a low limit: each connection of the relay needs two descriptors, and pipes."""
    if 0 <= hard_limit < LEAST_DESCRIPTORS:
        yield Finding(
            "descriptors-few",
            f"a process can have at most {hard_limit} files and connections open",
            f"Raise the limit: LimitNOFILE= in the unit, or ulimit -n {LEAST_DESCRIPTORS}.",
        )


def check_folder(folder: Path) -> Iterator[Finding]:
    """Find a state folder that others can read: it has secrets and addresses."""
    if folder.exists() and stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Finding(
            "state-readable",
            f"other users of this machine can read {folder}",
            f"chmod 700 {folder}",
        )
