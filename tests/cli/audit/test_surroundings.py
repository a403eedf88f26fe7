"""What is around our processes: containers, histories, titles."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.audit.canaries import Canaries
from cli.audit.report import CLEAN, FOUND, UNSEEN, AuditReport
from cli.audit.surroundings import (
    container_of,
    look_at_containers,
    search_histories,
    search_titles,
)

IDENTITY = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "cgroup",
    [
        f"0::/system.slice/docker-{IDENTITY}.scope\n",
        f"12:memory:/docker/{IDENTITY}\n",
        f"0::/machine.slice/libpod-{IDENTITY}.scope/container\n",
        f"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{IDENTITY}.scope\n",
    ],
)
def test_a_container_is_known_by_its_control_group(cgroup: str) -> None:
    """Docker with either version of control groups, Podman, Kubernetes."""
    assert container_of(cgroup) == IDENTITY
    assert container_of("0::/system.slice/mediastreamer-resolver.service\n") is None


def look(
    tmp_path: Path, canaries: Canaries, monkeypatch: pytest.MonkeyPatch, settings: str | None
) -> AuditReport:
    """Look at a process in a container of Docker's whose files are below `tmp_path`."""
    folder = tmp_path / IDENTITY
    folder.mkdir()
    if settings is not None:
        (folder / "hostconfig.json").write_text(settings)
    monkeypatch.setattr("cli.audit.surroundings._cgroup", lambda _: f"0::/docker/{IDENTITY}")
    report = AuditReport()
    look_at_containers(report, canaries.needles(), {1: "resolver"}, tmp_path)
    return report


def test_a_log_driver_is_found_and_its_log_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the host; with the line that mends it."""
    canaries = Canaries()
    (tmp_path / "other").mkdir()
    report = look(tmp_path, canaries, monkeypatch, '{"LogConfig": {"Type": "json-file"}}')
    (found,) = report.of(FOUND)
    assert "json-file" in found.what
    assert "driver: none" in found.remedy
    (tmp_path / IDENTITY / f"{IDENTITY}-json.log").write_text(canaries.word("a query"))
    report = AuditReport()
    look_at_containers(report, canaries.needles(), {1: "resolver"}, tmp_path)
    assert "as text" in report.of(FOUND)[1].what


def test_no_log_driver_is_clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docker/compose.yaml sets it."""
    report = look(tmp_path, Canaries(), monkeypatch, '{"LogConfig": {"Type": "none"}}')
    assert not report.of(FOUND)
    assert len(report.of(CLEAN)) == 2


def test_a_runtime_whose_settings_are_not_seen_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do about it."""
    (unseen,) = look(tmp_path, Canaries(), monkeypatch, None).of(UNSEEN)
    assert "driver: none" in unseen.what


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("mediastreamer address add me@example.com 203.0.113.7", 1),
        ("mediastreamer account add me@example.com", 1),
        ("mediastreamer zones explain www.netflix.com --from 2001:db8::1", 1),
        ("mediastreamer address add - < file", 0),
        ("mediastreamer up --dns 192.168.1.5:53", 0),
        ("ping 203.0.113.7", 0),
    ],
)
def test_what_an_operator_typed_is_found(
    typed: str, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that name an address or a person, with the way not to leave them there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HISTFILE", raising=False)
    monkeypatch.delenv("SUDO_USER", raising=False)
    (tmp_path / ".bash_history").write_text(f"ls\n{typed}\n")
    report = AuditReport()
    search_histories(report, Canaries().needles())
    assert len(report.of(FOUND)) == count
    assert not count or "standard input" in report.of(FOUND)[0].remedy


@pytest.mark.processes
def test_a_title_with_a_canary_is_found() -> None:
    """Everybody on the machine may read those."""
    canaries, report = Canaries(), AuditReport()
    program = "print('here', flush=True); input()"
    command = [sys.executable, "-c", program, canaries.word("a query")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as telling:
        assert telling.stdout is not None
        telling.stdout.readline()  # until then the kernel may not know its title
        search_titles(report, canaries.needles())
        telling.communicate(b"\n")
    assert len(report.of(FOUND)) == 1
