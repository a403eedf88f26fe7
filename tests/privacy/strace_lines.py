"""The lines that strace(1) wrote, as calls with the octets that were handed to the kernel."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)$", re.DOTALL)
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_UNFINISHED = " <unfinished ...>"
_DESCRIPTOR = re.compile(r"(\d+)<(.*?)(?<!-)>(?=[,)\s\]]|$)")
_IPV4 = re.compile(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)')
_IPV6 = re.compile(r'sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]+)"')
_SOCKET_ADDRESS = re.compile(r"\{sa_family=[^}]*\}")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"(\.\.\.)?')
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}


@dataclass(frozen=True)
class Call:
    """One system call; `rest` is its arguments and what it returned."""

    thread: int
    name: str
    rest: str = field(repr=False)
    line: int = field(default=0, compare=False)
    """Number of the line on which it ended."""

    @property
    def descriptors(self) -> list[tuple[str, str]]:
        """Number and target of each descriptor among the arguments, in order."""
        return _DESCRIPTOR.findall(self.rest)

    @property
    def addresses(self) -> set[str]:
        """Socket addresses among the arguments, as "127.0.0.1:53"."""
        six = ((port, f"[{address}]") for port, address in _IPV6.findall(self.rest))
        return {f"{address}:{port}" for port, address in (*_IPV4.findall(self.rest), *six)}

    @property
    def content(self) -> bytes:
        """All octets among the arguments, whatever buffers they are in; no socket's address."""
        return b"".join(_octets(text) for text, _ in self._texts())

    @property
    def is_cut(self) -> bool:
        """Say whether there were more octets than strace shows."""
        return any(cut for _, cut in self._texts())

    def _texts(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = _TEXT.findall(_SOCKET_ADDRESS.sub("", self.rest))
        return found


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Read the lines of `strace -f -yy`; a call that was interrupted by others is put together."""
    begun: dict[str, str] = {}
    number = 0
    for number, line in enumerate(lines):
        if not (found := _LINE.match(line.rstrip("\n"))):
            continue
        thread, text = found.groups()
        if resumed := _RESUMED.match(text):
            text = begun.pop(thread, "") + resumed[1]
        elif text.endswith(_UNFINISHED):
            begun[thread] = text.removesuffix(_UNFINISHED)
            continue
        yield from _call(thread, text, number)
    for thread, text in begun.items():  # it ended meanwhile
        yield from _call(thread, text, number)


def _call(thread: str, text: str, line: int) -> Iterator[Call]:
    if found := _CALL.match(text):
        yield Call(int(thread), found[1], found[2], line)


def _octets(text: str) -> bytes:
    def octet(escape: re.Match[bytes]) -> bytes:
        if escape[1]:
            return bytes([int(escape[1], 8)])
        return _LETTERS.get(escape[2], escape[2])

    return _ESCAPE.sub(octet, text.encode("latin-1", "replace"))
