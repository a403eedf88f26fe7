"""Judge what the data plane asked of the kernel, from the lines that strace(1) wrote.

Whatever a process keeps or tells, it does so by a system call. Resolver and relay are allowed to
answer who asked them, to ask upstreams and relays, to follow Redis, to report to their supervisor
and to wake up their own threads. Anything else is a leak, whatever it says.

Not seen: stores to memory that was mapped for writing, so such a mapping is a leak by itself.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_WRITES = {
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "vmsplice"),
    *("sendto", "sendmsg", "sendmmsg", "splice", "tee", "copy_file_range"),
}
_TARGET_COMES_SECOND = {"splice", "tee", "copy_file_range"}
_OPENS = {"open", "openat", "openat2"}
_CHANGES = {
    *("creat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("mkdir", "mkdirat", "mknod", "mknodat", "truncate", "ftruncate", "fallocate"),
    *("setxattr", "lsetxattr", "fsetxattr", "utimensat", "memfd_create", "shmget", "mq_open"),
    *("msgsnd", "process_vm_writev"),
}
_HEARS = {"recvfrom", "recvmsg", "recvmmsg"}
_FORKS = {"clone", "clone3", "fork", "vfork"}
_PAIRS = {"pipe", "pipe2"}
TRACED = (
    _WRITES | _OPENS | _CHANGES | _HEARS | _FORKS | _PAIRS
    | {"execve", "connect", "mmap", "io_uring_setup"}
)  # fmt: skip
"""What strace has to write down."""

_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)$", re.DOTALL)
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_UNFINISHED = " <unfinished ...>"
_DATA_PLANE = re.compile(r'"worker", "(resolver|relay)"')
_DESCRIPTOR = re.compile(r"(\d+)<(.*?)(?<!-)>(?=[,)\s\]]|$)")
_OPENED_FOR_WRITING = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)")
_IPV4 = re.compile(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)')
_IPV6 = re.compile(r'sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]+)"')
_UNIX_PATH = re.compile(r'sun_path=@?"([^"]*)"')
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
_FIXED_LINE = re.compile(r"[\w.: ]+ at ([\w./<>-]+\.pyx?:\d+|twisted[\w.]*|unknown)\\n")
_CHILD = re.compile(r"= (\d+)\b[^=]*$")


@dataclass(frozen=True)
class Known:
    """Whom the data plane may talk to; addresses as "127.0.0.1:53"."""

    listening: frozenset[int]
    peers: frozenset[str]
    redis: str
    """Path of its socket."""
    canary: str = field(repr=False)
    """The beginning of every canary."""


@dataclass(frozen=True)
class Call:
    """One system call; `rest` is its arguments and what it returned."""

    thread: int
    name: str
    rest: str = field(repr=False)


@dataclass(frozen=True)
class Leak:
    """A call that is not allowed."""

    call: str
    rule: str


@dataclass
class Verdict:
    """What was looked at, and what should not have been there."""

    processes: set[int] = field(default_factory=set)
    judged: int = 0
    leaks: list[Leak] = field(default_factory=list)


def judge(lines: Iterable[str], known: Known) -> Verdict:
    """Judge every call of every process of the data plane, from its start on."""
    parsed = list(calls(lines))
    parents = {int(child): call.thread for call in parsed for child in _children(call)}
    judging = _Judging(known, parents)
    for call in parsed:
        judging.take(call)
    return judging.verdict


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Read the lines of `strace -f -yy`; a call that was interrupted by others is put together."""
    begun: dict[str, str] = {}
    for line in lines:
        if not (found := _LINE.match(line.rstrip("\n"))):
            continue
        thread, text = found.groups()
        if resumed := _RESUMED.match(text):
            text = begun.pop(thread, "") + resumed[1]
        elif text.endswith(_UNFINISHED):
            begun[thread] = text.removesuffix(_UNFINISHED)
            continue
        yield from _call(thread, text)
    for thread, text in begun.items():  # it ended meanwhile
        yield from _call(thread, text)


def _call(thread: str, text: str) -> Iterator[Call]:
    if found := _CALL.match(text):
        yield Call(int(thread), found[1], found[2])


def _children(call: Call) -> list[str]:
    return _CHILD.findall(call.rest) if call.name in _FORKS else []


class _Judging:
    def __init__(self, known: Known, parents: dict[int, int]) -> None:
        self.verdict = Verdict()
        self._known = known
        self._parents = parents
        self._heard: set[str] = set()
        self._own_pipes: set[str] = set()

    def take(self, call: Call) -> None:
        starts = call.name == "execve" and _DATA_PLANE.search(call.rest)
        if starts and call.thread not in self.verdict.processes:
            self.verdict.processes.add(call.thread)
        elif self._is_data_plane(call.thread):
            self.verdict.judged += 1
            rule = self._rule_broken_by(call)
            if rule is not None:
                self.verdict.leaks.append(Leak(call.name, rule))

    def _is_data_plane(self, thread: int) -> bool:
        while thread not in self.verdict.processes:
            if thread not in self._parents:
                return False
            thread = self._parents[thread]
        return True

    def _rule_broken_by(self, call: Call) -> str | None:
        match call.name:
            case name if name in _WRITES:
                return self._judge_write(call)
            case name if name in _OPENS:
                return "opens for writing" if _OPENED_FOR_WRITING.search(call.rest) else None
            case name if name in _CHANGES:
                return "changes what others see"
            case "connect":
                return self._judge_connection(call)
            case "mmap":
                return _judge_mapping(call)
            case "execve":
                return "starts a program"
            case "io_uring_setup":
                return None if "= -1" in call.rest else "work that nobody sees"
            case name if name in _HEARS:
                self._heard |= _addresses(call.rest)
            case name if name in _PAIRS:
                self._own_pipes |= {kind for _, kind in _DESCRIPTOR.findall(call.rest)}
        return None

    def _judge_write(self, call: Call) -> str | None:
        descriptors = _DESCRIPTOR.findall(call.rest)
        place = 1 if call.name in _TARGET_COMES_SECOND else 0
        if len(descriptors) <= place:
            return None if "= -1 EBADF" in call.rest else "writes to what strace cannot name"
        number, target = descriptors[place]
        if number in {"1", "2"}:
            return None if self._is_fixed_line(call.rest) else "says more than a fixed line"
        family = target.split(":", 1)[0]
        if family.startswith(("TCP", "UDP")):
            return self._judge_packet(call, target)
        if self._known.canary in call.rest:
            return "tells a canary"
        if family == "UNIX-STREAM" or target == "anon_inode:[eventfd]":
            return None  # every connection of a stream was judged when it was made
        if family == "pipe":
            return None if target in self._own_pipes else "writes to somebody's pipe"
        return "writes elsewhere"

    def _judge_packet(self, call: Call, target: str) -> str | None:
        """To who asked us, and to whom we ask."""
        here, arrow, there = target.partition("[")[2].rstrip("]").partition("->")
        addresses = _addresses(call.rest)
        if addresses <= self._known.peers:
            ours = not arrow or there in self._known.peers
            return None if ours or self._is_listening(here) else "tells a stranger"
        answers = self._is_listening(here) and addresses <= self._heard
        return None if answers else "tells a stranger"

    def _is_listening(self, here: str) -> bool:
        port = here.rpartition(":")[2]
        return port.isdigit() and int(port) in self._known.listening

    def _is_fixed_line(self, rest: str) -> bool:
        said = "".join(_TEXT.findall(rest))
        return self._known.canary not in said and bool(_FIXED_LINE.fullmatch(said))

    def _judge_connection(self, call: Call) -> str | None:
        path = _UNIX_PATH.search(call.rest)
        if path is not None:
            return None if path[1] == self._known.redis else "connects elsewhere"
        addresses = _addresses(call.rest)
        if "AF_UNSPEC" in call.rest:
            return None  # takes a connection back
        return None if addresses and addresses <= self._known.peers else "connects elsewhere"


def _judge_mapping(call: Call) -> str | None:
    shared = "MAP_SHARED" in call.rest and "PROT_WRITE" in call.rest
    return "maps a file for writing" if shared and "MAP_ANON" not in call.rest else None


def _addresses(rest: str) -> set[str]:
    found = [*_IPV4.findall(rest), *((port, f"[{six}]") for port, six in _IPV6.findall(rest))]
    return {f"{address}:{port}" for port, address in found}
