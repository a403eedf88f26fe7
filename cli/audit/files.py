"""Searching the files in the usual folders that have changed since the audit began."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cli.audit.canaries import Needles
from cli.audit.report import AuditReport

USUAL = "/tmp /var/tmp /dev/shm /run /var/log /var/spool /var/lib/systemd/coredump"  # noqa: S108
_LARGEST = 512 << 20


def search_files(report: AuditReport, needles: Needles, folders: list[Path], since: float) -> None:
    """Search files below the folders that changed since `since` (Unix time)."""
    for folder in folders:
        if not folder.is_dir():
            continue
        searched, clean = 0, True
        for path in _changed_below(folder, since):
            found = _search(report, needles, path)
            searched += 1
            if found:
                clean = False
                report.add(str(path), found, "find out which program wrote it, and change that")
        if clean:
            report.add(f"{folder}: {searched} files changed meanwhile", [])


def search_journal(report: AuditReport, needles: Needles, since: float) -> None:
    """Search systemd's journal, if there is one."""
    try:
        asked = ["journalctl", "--quiet", "--output=export", f"--since=@{int(since)}"]
        ran = subprocess.run(asked, capture_output=True, check=True, timeout=60)  # noqa: S603
    except FileNotFoundError:
        report.unseen("journal", "journalctl is not installed")
    except (subprocess.SubprocessError, OSError):
        report.unseen("journal", "journalctl failed; run the audit as root")
    else:
        report.add("journal", needles.find(ran.stdout), "set StandardOutput=null in the units")


def _search(report: AuditReport, needles: Needles, path: Path) -> list[str]:
    try:
        if path.stat().st_size > _LARGEST:
            report.unseen(str(path), "it is larger than the audit reads")
            return []
        return needles.find(path.read_bytes())
    except OSError as error:
        report.unseen(str(path), os.strerror(error.errno or 0))
        return []


def _changed_below(folder: Path, since: float) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
            if entry.is_dir(follow_symlinks=False):
                yield from _changed_below(Path(entry.path), since)
            elif entry.is_file(follow_symlinks=False) and status.st_ctime >= since:
                yield Path(entry.path)
        except OSError:
            continue  # it was deleted meanwhile; the watch has seen it
