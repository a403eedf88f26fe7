"""Searching around our processes: containers, shell histories, titles of other processes."""

import json
import os
import pwd
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from cli.audit.canaries import Needles
from cli.audit.report import AuditReport

_MARKS = ("/.dockerenv", "/run/.containerenv")
_SOCKETS = ("/run/docker.sock", "/run/podman/podman.sock")
_DOCKER = Path("/var/lib/docker/containers")
_CONTAINER = re.compile(r"(?:docker|libpod|crio|cri-containerd)[-/]([0-9a-f]{64})")
_NO_DRIVER = 'set "logging: {driver: none}" for it, as docker/compose.yaml does'
_HISTORIES = (
    *(".bash_history", ".zsh_history", ".ash_history", ".local/share/fish/fish_history"),
    *(".python_history", ".rediscli_history", ".psql_history", ".sqlite_history"),
)
_TYPED = re.compile(
    rb"mediastreamer\s+(?:account|address|zones\s+explain).*"
    rb"(?:[^\s@]+@[^\s@]+|\d+\.\d+\.\d+\.\d+|[0-9a-f]+:[0-9a-f:]*:)",
)
_FORGET = (
    "delete those lines; `address add EMAIL -` reads the address from standard input, and with "
    "HISTCONTROL=ignorespace a command that begins with a space is not stored"
)
_LARGEST = 64 << 20


def look_at_containers(
    report: AuditReport, needles: Needles, pids: Mapping[int, str], docker: Path = _DOCKER
) -> None:
    """Search what the log drivers of our containers store, as far as we can see it."""
    found = {role: ids for pid, role in pids.items() if (ids := container_of(_cgroup(pid)))}
    for role, identity in found.items():
        _look_at_driver(report, needles, role, docker / identity)
    if not found and any(Path(mark).exists() for mark in _MARKS):
        _look_from_inside(report)
    elif not found:
        report.add("container: our processes are in none", [])


def container_of(cgroup: str) -> str | None:
    """Give the container ID in a /proc/PID/cgroup, or None."""
    match = _CONTAINER.search(cgroup)
    return match[1] if match else None


def _cgroup(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return ""


def _look_at_driver(report: AuditReport, needles: Needles, role: str, folder: Path) -> None:
    """Look from the host, as root: Docker's files have the log driver and its logs."""
    where = f"container of {role}: log driver"
    try:
        settings = json.loads((folder / "hostconfig.json").read_text(encoding="utf-8"))
        driver = settings["LogConfig"]["Type"]
    except (OSError, ValueError, KeyError):
        report.unseen(where, f"there are no settings in {folder}; {_NO_DRIVER}")
        return
    stores = [] if driver == "none" else [f"{driver!r} stores each of our lines with a time"]
    report.add(where, stores, _NO_DRIVER)
    logs = [*folder.glob("*-json.log*"), *folder.glob("local-logs/*")]
    found = {form for log in logs for form in needles.find(log.read_bytes()[-_LARGEST:])}
    report.add(f"container of {role}: {len(logs)} files of its log", sorted(found), _NO_DRIVER)


def _look_from_inside(report: AuditReport) -> None:
    """Look from inside a container: we see only whether the log driver receives anything."""
    where = "the log driver of the container around us"
    if any(Path(each).exists() for each in _SOCKETS):
        report.add(
            where,
            ["the runtime's socket is mounted here, so an intruder would control the machine"],
            "do not mount it",
        )
    try:
        output = str(Path("/proc/1/fd/1").readlink())
    except OSError:
        output = "something that only root can see"
    if output == "/dev/null":
        report.add(f"{where}: it receives nothing", [])
        return
    report.unseen(
        where,
        f"process 1 writes to {output}, and its reader is outside; on the host, "
        "`docker inspect -f '{{.HostConfig.LogConfig.Type}}' CONTAINER` must say none: "
        f"{_NO_DRIVER}",
    )


def search_histories(report: AuditReport, needles: Needles) -> None:
    """Search the histories of shells and clients, ours and those of the user who called sudo."""
    files = [home / name for home in _homes() for name in _HISTORIES]
    files += [Path(os.environ["HISTFILE"])] if os.environ.get("HISTFILE") else []
    existing = [file for file in dict.fromkeys(files) if file.is_file()]
    for file in existing:
        try:
            content = file.read_bytes()
        except OSError as error:
            report.unseen(str(file), os.strerror(error.errno or 0))
            continue
        typed = len(_TYPED.findall(content))
        people = [f"{typed} commands with an address or an e-mail address"] if typed else []
        report.add(f"history {file}", [*needles.find(content), *people], _FORGET)
    if not existing:
        report.add("history of shells and clients: there is none", [])


def _homes() -> Iterable[Path]:
    yield Path.home()
    try:
        yield Path(pwd.getpwnam(os.environ["SUDO_USER"]).pw_dir)
    except KeyError:
        return


def search_titles(report: AuditReport, needles: Needles) -> None:
    """Search the command line of every process, which every user of the machine can read."""
    titles = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            titles.append((process / "cmdline").read_bytes())
        except OSError:
            continue  # the process has ended
    found = needles.find(b"\n".join(titles))
    report.add(f"titles of all {len(titles)} processes on this machine", found)
