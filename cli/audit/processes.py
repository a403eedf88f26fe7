"""Searching our processes from outside, through /proc."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cli.audit.canaries import Needles
from cli.audit.report import AuditReport
from cli.audit.watch import Watch

DATA_PLANE = ("resolver", "relay")
_O_ACCMODE = 0o3
_MOST_READ = 64 << 20


def look_at_process(report: AuditReport, needles: Needles, role: str, pid: int) -> None:
    """Search title, environment, descriptors and mappings of one process; check its limits."""
    where = f"{role} (process {pid})"
    try:
        status = _fields(Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
        report.add(f"{where}: title and environment", needles.find(_titles(pid)))
        _core_limit(report, where, pid)
        _swapped(report, where, status)
        if role in DATA_PLANE:
            may_write = [] if status.get("NoNewPrivs") == "1" else ["it is not restricted"]
            remedy = "run on Linux 5.13 or newer with Landlock, or under the systemd units"
            report.add(f"{where}: it cannot open files for writing", may_write, remedy)
        _descriptors(report, needles, where, role, pid)
        _mappings(report, needles, where, role, pid)
    except PermissionError:
        report.unseen(where, "its /proc entries belong to root: run the audit as root")
    except (FileNotFoundError, ProcessLookupError):
        report.unseen(where, "it ended meanwhile")


def look_at_writes(
    report: AuditReport, needles: Needles, watch: Watch, roles: dict[int, str]
) -> None:
    """Search what our processes wrote while the canaries were sent.

    `needles` does not contain the address that the database stores while the audit's household
    exists.
    """
    if not watch.works:
        report.unseen("files written and deleted meanwhile", "watching requires root (fanotify)")
        return
    for (pid, path), content in watch.written.items():
        role = roles[pid]
        found = needles.find(content)
        if role in DATA_PLANE:
            found = [*found, "the data plane wrote a file"]
        if found:
            report.add(f"{path}, written by {role} meanwhile", found)
    report.add(f"{len(watch.written)} files that our processes wrote meanwhile", [])


def look_at_machine(report: AuditReport) -> None:
    """Check swap and core dumps of the machine."""
    swaps = Path("/proc/swaps").read_text(encoding="utf-8").splitlines()[1:]
    report.add("swap devices: there are none", []) if not swaps else report.unseen(
        "swap devices", f"{len(swaps)} in use: encrypt swap, or allow our user to lock its memory"
    )
    pattern = Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
    if pattern.startswith("|"):
        report.unseen(
            f"core dumps given to {pattern[1:].split()[0]}",
            "the limit of 0 does not apply to such programs. Our processes also ask the kernel not "
            "to dump them, which cannot be checked; `sysctl kernel.core_pattern=core` is safe",
        )
    else:
        report.add(f"core dumps: {pattern!r} is not written for processes with a limit of 0", [])


def _fields(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _titles(pid: int) -> bytes:
    parts = []
    for name in ("cmdline", "comm", "environ"):
        with contextlib.suppress(PermissionError):
            parts.append(Path(f"/proc/{pid}/{name}").read_bytes())
    return b"\n".join(parts)


def _core_limit(report: AuditReport, where: str, pid: int) -> None:
    limits = Path(f"/proc/{pid}/limits").read_text(encoding="utf-8").splitlines()
    line = next(each for each in limits if each.startswith("Max core file size"))
    dumps = [] if line.split()[4:6] == ["0", "0"] else ["a crash would write its memory to disk"]
    report.add(f"{where}: core dumps are off", dumps, "set LimitCORE=0")


def _swapped(report: AuditReport, where: str, status: dict[str, str]) -> None:
    swapped = int(status.get("VmSwap", "0 kB").split()[0])
    found = [f"{swapped} kB of its memory are in swap"] if swapped else []
    report.add(f"{where}: not in swap", found, "encrypt swap, or set LimitMEMLOCK=infinity")


def _descriptors(report: AuditReport, needles: Needles, where: str, role: str, pid: int) -> None:
    for number, target, path in _open_files(pid):
        name = f"{where}: open file {target}"
        writable = _mode(pid, number) != os.O_RDONLY
        found = needles.find(_content(path))
        if role in DATA_PLANE and writable and number not in {"1", "2"}:
            found = [*found, "open for writing"]
        if found or writable:
            report.add(name, found)
    for stream, name in ((1, "standard output"), (2, "standard error")):
        target = str(Path(f"/proc/{pid}/fd/{stream}").readlink())
        if not target.startswith("/"):
            report.unseen(
                f"{where}: {name}", "it is a pipe or terminal: its reader is searched separately"
            )


def _open_files(pid: int) -> Iterator[tuple[str, str, Path]]:
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if stat.S_ISREG(path.stat().st_mode):
                yield path.name, str(path.readlink()), path


def _mode(pid: int, number: str) -> int:
    fields = _fields(Path(f"/proc/{pid}/fdinfo/{number}").read_text(encoding="utf-8"))
    return int(fields["flags"], 8) & _O_ACCMODE


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST_READ)


def _mappings(report: AuditReport, needles: Needles, where: str, role: str, pid: int) -> None:
    """Find writable memory that is mapped from a file or shared with another process."""
    for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
        span, rights, _, _, inode, *rest = line.split(maxsplit=5)
        target = rest[0] if rest else "without a name"
        # A ring of io_uring is shared only with the kernel.
        if rights[1] != "w" or rights[3] != "s" or inode == "0" or "anon_inode:" in target:
            continue
        found = []
        with contextlib.suppress(OSError):
            found = needles.find(_content(Path(f"/proc/{pid}/map_files/{span}")))
        if role in DATA_PLANE:
            found = [*found, "its memory belongs to a file"]
        report.add(f"{where}: writable mapping of {target}", found)
