"""Judge what our processes asked of the kernel, from the lines that strace(1) wrote.

Whatever a process keeps or tells, it does so by a system call. Each plane may do what is written
below, in `_DataPlane` and `_Registry`; anything else is a leak, whatever it says. What may be
said to others that are ours (Redis, the supervisor, the database) is searched for canaries in
every form.

Not seen: stores to memory that was mapped for writing, so such a mapping is a leak by itself.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cli.audit.canaries import Needles
from tests.privacy.canary_search import Search, written_to
from tests.privacy.strace_lines import Call, calls

_WRITES = {
    *("write", "writev", "pwrite64", "pwritev", "pwritev2", "sendfile", "vmsplice"),
    *("sendto", "sendmsg", "sendmmsg", "splice", "tee", "copy_file_range"),
}
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
    | {"execve", "prctl", "connect", "listen", "mmap", "io_uring_setup"}
)  # fmt: skip
"""What strace has to write down."""

_PROGRAM = re.compile(r'"worker", "(template|resolver|relay|registry)"')
_NAMED = re.compile(r'PR_SET_NAME, "(resolver|relay|registry|upgrade)"')
_OPENED_FOR_WRITING = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND|TMPFILE)")
_UNIX_PATH = re.compile(r'sun_path=@?"([^"]*)"')
_FIXED_LINE = re.compile(rb"[\w.: ]+ at ([\w./<>-]+\.pyx?:\d+|twisted[\w.]*|unknown)\n")
_HOST_NAMES = "/var/run/nscd/socket"
_CHILD = re.compile(r"= (\d+)\b[^=]*$")


@dataclass(frozen=True)
class Known:
    """Whom our processes may talk to; addresses as "127.0.0.1:53"."""

    listening: frozenset[int]
    """Ports of ours."""
    peers: frozenset[str]
    """Upstreams, relays and origins; the mail server."""
    redis: str
    """Path of its socket."""
    words: Needles = field(repr=False)
    """Names, fields of forms, addresses of strangers: what nothing of ours may keep."""
    asker: Needles = field(repr=False)
    """Addresses of households, and what came with a question: what no upstream may be told."""
    account: Needles = field(default_factory=lambda: Needles({}, {}), repr=False)
    """What the database may hold, and nobody else be told."""
    database: str = "/nowhere"
    """Beginning of the paths of its files."""


@dataclass(frozen=True)
class Leak:
    """A call that is not allowed."""

    call: str
    rule: str
    line: int = field(default=0, compare=False)
    """Number of its line."""


@dataclass
class Verdict:
    """What was looked at, and what should not have been there."""

    processes: dict[int, str] = field(default_factory=dict)
    """Processes of ours, and the role of each."""
    judged: dict[str, int] = field(default_factory=dict)
    """Role -> calls; "" is all other processes, which may tell no canary.

    "template" is what workers are forked from, and a worker until it has its name.
    """
    leaks: list[Leak] = field(default_factory=list)
    contents: int = 0
    """Times that canaries were sought in something new."""
    parents: Mapping[int, int] = field(default_factory=dict)
    """Thread or process -> who started it."""

    def role_of(self, thread: int) -> str:
        """Give the role, as far as the process has taken one on; "" for all others."""
        while thread not in self.processes:
            if thread not in self.parents:
                return ""
            thread = self.parents[thread]
        return self.processes[thread]


def judge(lines: Iterable[str], known: Known) -> Verdict:
    """Judge every call of every process of ours, from its start on."""
    parsed = list(calls(lines))
    parents = {int(child): call.thread for call in parsed for child in _children(call)}
    judging = _Judging(known, parents)
    for call in parsed:
        judging.take(call)
    judging.verdict.contents = judging.search.contents
    return judging.verdict


def _begun(call: Call) -> str | None:
    """Say what the process is from here on: by its command line, or what it calls itself."""
    pattern = {"execve": _PROGRAM, "prctl": _NAMED}.get(call.name)
    found = pattern.search(call.rest) if pattern else None
    return found[1] if found else None


def _children(call: Call) -> list[str]:
    return _CHILD.findall(call.rest) if call.name in _FORKS else []


class _Judging:
    def __init__(self, known: Known, parents: dict[int, int]) -> None:
        self.verdict = Verdict(parents=parents)
        self.search = search = Search()
        self._rules: dict[str, _Rules] = {
            "resolver": _DataPlane(known, search),
            "relay": _DataPlane(known, search),
            "registry": _Registry(known, search),
            "template": _DataPlane(known, search),
            "": _Others(known, search),
        }

    def take(self, call: Call) -> None:
        if (role := _begun(call)) and self.verdict.processes.get(call.thread) in {None, "template"}:
            # `up` makes its first account before anybody asks anything, as it makes its folder.
            self.verdict.processes[call.thread] = "" if role == "upgrade" else role
            return
        role = self.verdict.role_of(call.thread)
        self.verdict.judged[role] = self.verdict.judged.get(role, 0) + 1
        rule = self._rules[role].broken_by(call)
        if rule is not None:
            self.verdict.leaks.append(Leak(call.name, rule, call.line))


class _Rules:
    """What any process of ours may do."""

    def __init__(self, known: Known, search: Search) -> None:
        self._known = known
        self._finds = search.finds
        self._heard: set[str] = set()
        self._own_pipes: set[str] = set()

    def broken_by(self, call: Call) -> str | None:
        match call.name:
            case name if name in _WRITES:
                return self._judge_write(call)
            case name if name in _OPENS:
                return self._judge_opening(call)
            case name if name in _CHANGES:
                return None if "= -1 EEXIST" in call.rest else self._judge_change(call)
            case "connect":
                return self._judge_connection(call)
            case "mmap":
                return self._judge_mapping(call)
        return self._judge_the_rest(call)

    def _judge_the_rest(self, call: Call) -> str | None:
        match call.name:
            case "execve":
                return "starts a program"
            case "listen":
                return None if self._is_listening(call.descriptors[0][1]) else "listens elsewhere"
            case "io_uring_setup":
                return None if "= -1" in call.rest else "work that nobody sees"
            case name if name in _HEARS:
                self._heard |= call.addresses
            case name if name in _PAIRS:
                self._own_pipes |= {kind for _, kind in call.descriptors}
        return None

    def _judge_write(self, call: Call) -> str | None:
        descriptor = written_to(call)
        if descriptor is None:
            return None if "= -1 EBADF" in call.rest else "writes to what strace cannot name"
        number, target = descriptor
        if number in {"1", "2"}:
            return None if self._is_fixed_line(call) else "says more than a fixed line"
        family = target.split(":", 1)[0]
        if family.startswith(("TCP", "UDP")):
            return self._judge_packet(call, target)
        return self._judge_other_write(call, target)

    def _judge_other_write(self, call: Call, target: str) -> str | None:
        if self._finds(call, *self._untold()):
            return "tells a canary"
        if call.is_cut:
            return "writes more than the tracer shows"
        if target.startswith("UNIX-STREAM:") or target == "anon_inode:[eventfd]":
            return None  # every connection of a stream was judged when it was made
        if target.startswith("pipe:"):
            return None if target in self._own_pipes else "writes to somebody's pipe"
        return "writes elsewhere"

    def _judge_packet(self, call: Call, target: str) -> str | None:
        """To who asked us, and to whom we ask."""
        here, arrow, there = target.partition("[")[2].rstrip("]").partition("->")
        if not (call.addresses <= self._known.peers and (not arrow or there in self._known.peers)):
            answers = self._is_listening(here) and call.addresses <= self._heard
            return None if answers else "tells a stranger"
        if self._is_listening(here):
            return None
        return "tells who asked" if self._finds(call, self._known.asker) else None

    def _untold(self) -> Sequence[Needles]:
        """What no other process of ours is told."""
        return self._known.words, self._known.asker, self._known.account

    def _is_listening(self, here: str) -> bool:
        port = here.rpartition(":")[2].rstrip("]")
        return port.isdigit() and int(port) in self._known.listening

    def _is_fixed_line(self, call: Call) -> bool:
        known = self._known
        told = self._finds(call, known.words, known.asker, known.account)
        return not told and bool(_FIXED_LINE.fullmatch(call.content))

    def _judge_opening(self, call: Call) -> str | None:
        return "opens for writing" if _OPENED_FOR_WRITING.search(call.rest) else None

    def _judge_change(self, _: Call) -> str | None:
        return "changes what others see"

    def _judge_connection(self, call: Call) -> str | None:
        path = _UNIX_PATH.search(call.rest)
        if path is not None:
            return None if path[1] == self._known.redis else "connects elsewhere"
        if "AF_UNSPEC" in call.rest:
            return None  # takes a connection back
        known = call.addresses and call.addresses <= self._known.peers
        return None if known else "connects elsewhere"

    def _judge_mapping(self, call: Call) -> str | None:
        shared = "MAP_SHARED" in call.rest and "PROT_WRITE" in call.rest
        return "maps a file for writing" if shared and "MAP_ANON" not in call.rest else None


class _DataPlane(_Rules):
    """Answers who asked, asks upstreams, origins and relays, follows Redis, reports, wakes itself.

    Of the database and its folder it does not even read.
    """

    def _judge_opening(self, call: Call) -> str | None:
        if call.content.startswith(self._known.database.encode()):
            return "opens the database"
        return super()._judge_opening(call)


class _Registry(_Rules):
    """Answers visitors, writes the database, tells Redis networks, and sends mail."""

    def _untold(self) -> Sequence[Needles]:
        """Redis is told networks."""
        return self._known.words, self._known.account

    def _judge_other_write(self, call: Call, target: str) -> str | None:
        if target.startswith(self._known.database):
            return "keeps a canary" if self._finds(call, self._known.words) else None
        return super()._judge_other_write(call, target)

    def _judge_packet(self, call: Call, target: str) -> str | None:
        rule = super()._judge_packet(call, target)
        to_peer = not self._is_listening(target.partition("->")[0])
        return "mails a canary" if to_peer and self._finds(call, self._known.words) else rule

    def _judge_opening(self, call: Call) -> str | None:
        of_database = call.content.startswith(self._known.database.encode())
        return None if of_database else super()._judge_opening(call)

    def _judge_change(self, call: Call) -> str | None:
        target = call.descriptors[0][1] if call.descriptors else call.content.decode()
        of_database = target.startswith(self._known.database)
        return None if of_database else super()._judge_change(call)

    def _judge_connection(self, call: Call) -> str | None:
        path = _UNIX_PATH.search(call.rest)  # smtplib looks its own host name up
        return None if path and path[1] == _HOST_NAMES else super()._judge_connection(call)

    def _judge_mapping(self, call: Call) -> str | None:
        of_database = call.descriptors and call.descriptors[0][1].startswith(self._known.database)
        return None if of_database else super()._judge_mapping(call)


class _Others(_Rules):
    """The supervisor, Redis and what they start: nobody tells them a canary, so they can tell none.

    They make the state folder before anybody asks anything.
    """

    def broken_by(self, call: Call) -> str | None:
        if call.name == "listen" and call.descriptors[0][1].startswith("TCP"):
            return super().broken_by(call)
        told = call.name in _WRITES and self._finds(call, self._known.words, self._known.account)
        return "tells a canary" if told else None
