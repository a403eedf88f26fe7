"""The judge of system calls: each rule, and a process that breaks them under the real strace."""

import base64
import hashlib
import os
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from cli.audit.canaries import Canaries, Needles
from tests.privacy import planted_calls
from tests.privacy.system_calls import TRACED, Known, Verdict, judge
from tests.privacy.traced import trace_of

STRANGER, ELSEWHERE, MAILED = "tells a stranger", "writes elsewhere", "mails a canary"
CANARIES = Canaries("canary")
CANARIES.word("a name")
HOUSEHOLD = CANARIES.address("an address")
ASKER, ACCOUNT = Needles({b"option": "an option"}, {}), Needles({b"e-mail": "an address"}, {})
KNOWN = Known(
    listening=frozenset({53}),
    peers=frozenset({"127.0.0.1:5300", "[::1]:5300"}),
    redis="/r.sock",
    words=CANARIES.needles(),
    asker=ASKER,
    account=ACCOUNT,
    database="/state/db",
)
START = '7 execve("/python", ["-m", "cli.main", "worker", "ROLE"], 0x7 /* 9 vars */) = 0'
CHANNEL, TOLD = 'write(9<UNIX-STREAM:[1->2]>, "{}", 9) = 9', "tells a canary"
PACKED = "".join(f"\\{octet:03o}" for octet in IPv4Address(HOUSEHOLD).packed)
DIGEST = hashlib.sha256(HOUSEHOLD.encode()).hexdigest()
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
        ([CHANNEL.format("ready")], None),
        ([CHANNEL.format("CaNaRy")], TOLD),
        ([CHANNEL.format(b"xcanary".hex())], TOLD),
        ([CHANNEL.format("yranac")], TOLD),
        ([CHANNEL.format("c\\0a\\0n\\0a\\0r\\0y\\0")], TOLD),
        ([CHANNEL.format("%63%61%6e%61%72%79")], TOLD),
        ([CHANNEL.format(base64.b64encode(b"a canary!").decode())], TOLD),
        ([CHANNEL.format(PACKED)], TOLD),
        ([CHANNEL.format(IPv4Address(HOUSEHOLD).reverse_pointer)], TOLD),
        ([CHANNEL.format(int(IPv4Address(HOUSEHOLD)))], TOLD),
        ([CHANNEL.format(DIGEST)], TOLD),
        ([CHANNEL.format("x").replace('"x"', '"x"...')], "writes more than the tracer shows"),
        (['write(9<UDP:[127.0.0.1:4444->127.0.0.1:5300]>, "option", 6) = 6'], "tells who asked"),
        (["listen(3<TCP:[127.0.0.1:53]>, 50) = 0"], None),
        (["listen(3<TCP:[127.0.0.1:54]>, 50) = 0"], "listens elsewhere"),
        (['openat(AT_FDCWD</>, "/state/db-wal", O_RDONLY) = 3'], "opens the database"),
    ],
)
def test_one_call(calls: list[str], rule: str | None) -> None:
    """Each rule on its own, on lines as strace writes them; 8 is another thread."""
    assert rules_broken("resolver", calls) == ([] if rule is None else [rule])


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("canary", 1),
        (b"a canary".hex(), 1),
        (DIGEST, 1),
        (DIGEST, 50),
        (HOUSEHOLD, 3),
    ],
    ids=["word", "hexadecimal", "digest", "digest in long pieces", "address"],
)
def test_a_canary_in_pieces(text: str, pieces: int) -> None:
    """A word, a form of it, an address and a digest, an octet at a time or a few; once each."""
    parts = [text[at : at + pieces] for at in range(0, len(text), pieces)]
    between = 'write(8<UNIX-STREAM:[3->4]>, "something else", 14) = 14'
    lines = [line for part in parts for line in (CHANNEL.format(part), between)]
    assert rules_broken("relay", lines) == [TOLD]


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        ('pwrite64(9</state/db-wal>, "e-mail, option", 9, 0) = 9', None),
        ('pwrite64(9</state/db-wal>, "canary", 9, 0) = 9', "keeps a canary"),
        ('pwrite64(9</state/sign-in>, "x", 9, 0) = 9', ELSEWHERE),
        (CHANNEL.format("option"), None),
        (CHANNEL.format("e-mail"), TOLD),
        ('openat(AT_FDCWD</>, "/state/db-wal", O_RDWR|O_CREAT) = 3', None),
        ('openat(AT_FDCWD</>, "/var/log/web", O_RDWR|O_CREAT) = 3', "opens for writing"),
        ('openat(AT_FDCWD</>, "/tmp", O_RDWR|O_TMPFILE) = 3', "opens for writing"),
        ("ftruncate(9</state/db-wal>, 0) = 0", None),
        ("ftruncate(9</other>, 0) = 0", "changes what others see"),
        ("mmap(NULL, 9, PROT_READ|PROT_WRITE, MAP_SHARED, 9</state/db-shm>, 0) = 0x7", None),
        ("mmap(NULL, 9, PROT_WRITE, MAP_SHARED, 9</x>, 0) = 0x7", "maps a file for writing"),
        ('sendto(9<TCP:[127.0.0.1:4->127.0.0.1:5300]>, "To: e-mail", 9, 0, NULL, 0) = 9', None),
        ('sendto(9<TCP:[127.0.0.1:4->127.0.0.1:5300]>, "canary", 9, 0, NULL, 0) = 9', MAILED),
        ('sendto(9<TCP:[127.0.0.1:4->127.0.0.1:5300]>, "option", 9, 0, NULL, 0) = 9',
         "tells who asked"),
        ('write(2</x>, "web: error at web/errors.py:67\\n", 9) = 9', None),
        ('write(2</x>, "GET /canary at web/errors.py:67\\n", 9) = 9',
         "says more than a fixed line"),
    ],
)  # fmt: skip
def test_one_call_of_the_registry(call: str, rule: str | None) -> None:
    """It may write the database, tell Redis networks, and send mail; nothing else."""
    assert rules_broken("registry", [call]) == ([] if rule is None else [rule])


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        ('write(1</x>, "Ready", 9) = 9', None),
        ('openat(AT_FDCWD</>, "/state/up.toml", O_RDWR|O_CREAT) = 3', None),
        ('write(9</state/up.toml>, "canary", 9) = 9', TOLD),
        ("listen(3<TCP:[127.0.0.1:9153]>, 50) = 0", "listens elsewhere"),
    ],
)
def test_one_call_of_the_supervisor(call: str, rule: str | None) -> None:
    """It makes the state folder, and can tell nothing, since it is told nothing."""
    assert rules_broken("nothing of ours", [call]) == ([] if rule is None else [rule])


NAMED = 'prctl(PR_SET_NAME, "{}") = 0'
FORKED = "7 clone(child_stack=NULL, flags=SIGCHLD) = 8"


def test_a_fork_is_judged_as_what_it_calls_itself() -> None:
    """The template as the data plane, and a worker like it until it has its name."""
    opens = '8 openat(AT_FDCWD</>, "/state/db", O_RDWR) = 3'
    registry, resolver = (f"8 {NAMED.format(role)}" for role in ("registry", "resolver"))
    assert rules_broken("template", [FORKED, registry, opens]) == []
    assert rules_broken("template", [FORKED, resolver, opens]) == ["opens the database"]
    assert rules_broken("template", [FORKED, opens]) == ["opens the database"]


def test_a_worker_is_not_another_by_a_new_name() -> None:
    """What a resolver calls itself later changes nothing."""
    named = [FORKED, f"8 {NAMED.format('resolver')}", f"8 {NAMED.format('registry')}"]
    opens = '8 openat(AT_FDCWD</>, "/state/db", O_RDWR) = 3'
    assert rules_broken("template", [*named, opens]) == ["opens the database"]


def rules_broken(role: str, lines: list[str]) -> list[str]:
    """Judge calls of one process."""
    started = START.replace("ROLE", role)
    lines = [line if line.startswith(("7 ", "8 ")) else f"7 {line}" for line in lines]
    return [leak.rule for leak in judge([started, *lines], KNOWN).leaks]


def planted(folder: Path, what: str) -> Verdict:
    """Judge the stand-in."""
    reading, writing = os.pipe()
    environment = {**os.environ, "PIPE": str(writing)}
    command = [sys.executable, "-S", "-E", planted_calls.__file__, "worker", "resolver"]
    lines = trace_of([*command, str(folder), what], folder, environment)
    os.close(reading)
    os.close(writing)
    word = Needles({planted_calls.NAME: "a name"}, {})
    return judge(lines, Known(frozenset(), frozenset(), "", word, word))


@pytest.mark.processes
def test_what_is_allowed_is_no_leak(tmp_path: Path) -> None:
    """A wake-up, a file that is read, and a line of the gate's."""
    verdict = planted(tmp_path, "good")
    assert verdict.leaks == []
    assert len(verdict.processes) == 1


@pytest.mark.processes
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


@pytest.mark.processes
def test_a_name_that_is_told_octet_by_octet_is_found_out(tmp_path: Path) -> None:
    """A real process, over a stream that it may use: no call alone holds anything."""
    verdict = planted(tmp_path, "slow")
    assert [(leak.call, leak.rule) for leak in verdict.leaks] == [("write", "tells a canary")]


def test_everything_that_is_judged_is_traced() -> None:
    """What strace is not asked for it does not write down."""
    assert {"write", "sendmmsg", "splice", "openat", "mmap", "connect", "execve"} <= TRACED
