"""The program that uses a port, found in /proc."""

from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def holder_of(port: int) -> str | None:
    """Give name and pid of a program that uses the port; None if we cannot see it."""
    inodes = {inode for table in ("udp", "udp6", "tcp", "tcp6") for inode in _inodes(table, port)}
    for process in PROC.iterdir():
        if process.name.isdigit() and _has_one_of(process, inodes):
            return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _inodes(table: str, port: int) -> list[str]:
    """Give the inodes of sockets bound to a port; for TCP only listening ones (state 0A)."""
    try:
        lines = (PROC / "net" / table).read_text().splitlines()[1:]
    except OSError:
        return []
    rows = [line.split() for line in lines]
    return [
        row[9]
        for row in rows
        if int(row[1].rpartition(":")[2], 16) == port
        and (table.startswith("udp") or row[3] == "0A")
    ]


def _has_one_of(process: Path, inodes: set[str]) -> bool:
    wanted = {f"socket:[{inode}]" for inode in inodes}
    with suppress(OSError):  # another user's process, or one that has ended
        return any(_target(link) in wanted for link in (process / "fd").iterdir())
    return False


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # it was closed meanwhile
        return ""
