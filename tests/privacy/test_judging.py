"""The judge of system calls: each rule, and a process that breaks them under the real strace."""

import os
import sys
from pathlib import Path

import pytest

from tests.privacy import planted_calls
from tests.privacy.system_calls import TRACED, Known, Verdict, judge
from tests.privacy.traced import trace_of

STRANGER, ELSEWHERE = "tells a stranger", "writes elsewhere"
KNOWN = Known(frozenset({53}), frozenset({"127.0.0.1:5300", "[::1]:5300"}), "/r.sock", "canary")
START = '7 execve("/python", ["-m", "cli.main", "worker", "resolver"], 0x7 /* 9 vars */) = 0'
ASKED = '{sa_family=AF_INET, sin_port=htons(4000), sin_addr=inet_addr("127.0.0.9")}'
NOT_ASKED = ASKED.replace("4000", "514")
HEARD = f'recvfrom(3<UDP:[127.0.0.1:53]>, "q", 9, 0, {ASKED}, [16]) = 1'
STREAM = "connect(9<UNIX-STREAM:[1]>, {sa_family=AF_UNIX, sun_path="


@pytest.mark.parametrize(
    ("calls", "rule"),
    [
        ([HEARD, f'sendto(3<UDP:[127.0.0.1:53]>, "canary", 9, 0, {ASKED}, 16) = 1'], None),
        ([HEARD, f'sendto(3<UDP:[127.0.0.1:53]>, "x", 9, 0, {NOT_ASKED}, 16) = 1'], STRANGER),
        (['write(9<UDPv6:[[::1]:4444->[::1]:5300]>, "canary", 9) = 9'], None),
        (['write(9<UDPv6:[[::1]:4444->[::1]:514]>, "x", 9) = 9'], STRANGER),
        (['sendto(9<TCP:[127.0.0.1:53->127.0.0.9:99]>, "canary", 9, 0, NULL, 0) = 9'], None),
        (['sendto(9<TCP:[127.0.0.1:4444->127.0.0.9:99]>, "x", 9, 0, NULL, 0) = 9'], STRANGER),
        ([STREAM + '"/r.sock"}, 110) = 0'], None),
        ([STREAM + '"/s.sock"}, 110) = 0'], "connects elsewhere"),
        (["pipe2([3<pipe:[5]>, 4<pipe:[5]>], 0) = 0", 'write(4<pipe:[5]>, "x", 1) = 1'], None),
        (['write(4<pipe:[6]>, "x", 1) = 1'], "writes to somebody's pipe"),
        (["splice(3<TCP:[127.0.0.1:53->127.0.0.9:9]>, NULL, 4</x>, NULL, 9, 0) = 9"], ELSEWHERE),
        (["mmap(NULL, 9, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1, 0) = 0x7"], None),
        (["mmap(NULL, 9, PROT_READ|PROT_WRITE, MAP_PRIVATE, 3</lib.so>, 0) = 0x7"], None),
        (["io_uring_setup(8, {flags=0}) = 5<anon_inode:[io_uring]>"], "work that nobody sees"),
        (["io_uring_setup(8, {flags=0}) = -1 ENOSYS (INJECTED)"], None),
        (["clone3({flags=CLONE_THREAD}, 88) = 8", '8 write(9</x>, "x", 1) = 1'], ELSEWHERE),
        (['8 write(9</x>, "x", 1) = 1'], None),
        (['write(9</x>, "x", 1 <unfinished ...>', "<... write resumed>) = 1"], ELSEWHERE),
        (['write(9</x>, "x", 1 <unfinished ...>'], ELSEWHERE),
        (['write(2</x>, "ValueError at upstream/udp.py:3\\n", 9) = 9'], None),
        (['write(2</x>, "critical at twisted.internet.defer\\n", 9) = 9'], None),
        (['write(2</x>, "asked at www.example\\n", 9) = 9'], "says more than a fixed line"),
    ],
)
def test_one_call(calls: list[str], rule: str | None) -> None:
    """Each rule on its own, on lines as strace writes them; 8 is another thread."""
    lines = [call if call.startswith("8 ") else f"7 {call}" for call in calls]
    leaks = judge([START, *lines], KNOWN).leaks
    assert [leak.rule for leak in leaks] == ([] if rule is None else [rule])


def planted(folder: Path, what: str) -> Verdict:
    """Judge the stand-in."""
    reading, writing = os.pipe()
    environment = {**os.environ, "PIPE": str(writing)}
    command = [sys.executable, "-S", "-E", planted_calls.__file__, "worker", "resolver"]
    lines = trace_of([*command, str(folder), what], folder, environment)
    os.close(reading)
    os.close(writing)
    return judge(lines, Known(frozenset(), frozenset(), "", planted_calls.NAME.decode()))


def test_what_is_allowed_is_no_leak(tmp_path: Path) -> None:
    """A wake-up, a file that is read, and a line of the gate's."""
    verdict = planted(tmp_path, "good")
    assert verdict.leaks == []
    assert len(verdict.processes) == 1


def test_every_planted_leak_is_found_out(tmp_path: Path) -> None:
    """Each way to keep or tell something, done by a real process under the real strace."""
    verdict = planted(tmp_path, "bad")
    found = {(leak.call, leak.rule) for leak in verdict.leaks}
    assert found >= {
        ("write", "says more than a fixed line"),
        ("write", "tells a canary"),
        ("openat", "opens for writing"),
        ("ftruncate", "changes what others see"),
        ("mmap", "maps a file for writing"),
        ("rename", "changes what others see"),
        ("mkdir", "changes what others see"),
        ("symlink", "changes what others see"),
        ("setxattr", "changes what others see"),
        ("utimensat", "changes what others see"),
        ("memfd_create", "changes what others see"),
        ("sendfile", "writes elsewhere"),
        ("sendto", "tells a canary"),
        ("sendto", "tells a stranger"),
        ("connect", "connects elsewhere"),
        ("execve", "starts a program"),
    }
    assert sum(leak.rule == "says more than a fixed line" for leak in verdict.leaks) == 2


def test_everything_that_is_judged_is_traced() -> None:
    """What strace is not asked for it does not write down."""
    assert {"write", "sendmmsg", "splice", "openat", "mmap", "connect", "execve"} <= TRACED
