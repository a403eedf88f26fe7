"""An upstream that forges, garbles and refuses, as the second label of the question says."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator

import dns.edns
import dns.message
import dns.rcode
import dns.rrset

SUFFIX = "odd.example"
TRUE, FORGED = "198.51.100.9", "198.51.100.66"
KINDS = ("garbage", "forged", "mismatched", "servfail", "looping", "cut", "silent")
"""All but "forged" leave the question unanswered."""


class OddUpstream:
    """Answers over UDP, in a thread of its own; TCP it takes from nobody."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.asked = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self) -> None:
        """End; a datagram of nothing is the sign."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            sending.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while data := (received := self._socket.recvfrom(4096))[0]:
            query = dns.message.from_wire(data)
            labels = query.question[0].name.to_text().lower().split(".")
            react = next((_REACTIONS[kind] for kind in KINDS if kind in labels), _truly)
            self.asked += 1
            for reply in react(query):
                self._socket.sendto(reply, received[1])
            if "forged" in labels:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as somebody_else:
                    somebody_else.sendto(_answer(query, FORGED), received[1])
                self._socket.sendto(_answer(query, TRUE), received[1])


def _answer(query: dns.message.Message, address: str) -> bytes:
    reply = dns.message.make_response(query, recursion_available=True)
    reply.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", address))
    return reply.to_wire()


def _truly(query: dns.message.Message) -> Iterator[bytes]:
    yield _answer(query, TRUE)


def _garbage(query: dns.message.Message) -> Iterator[bytes]:
    octets = query.to_wire()
    yield octets[:2] + b"\x81\x80" + b"\xff" * 8 + octets[12:]
    yield octets[::-1]
    yield octets[:2] + os.urandom(200)
    yield octets[:7]


def _mismatched(query: dns.message.Message) -> Iterator[bytes]:
    """Another ID, and another question."""
    name = query.question[0].name
    with_other_id = dns.message.from_wire(query.to_wire())
    with_other_id.id = query.id ^ 1
    yield _answer(with_other_id, FORGED)
    other = dns.message.make_query(f"other-{name}", "A", id=query.id)
    yield _answer(other, FORGED)


def _servfail(query: dns.message.Message) -> Iterator[bytes]:
    """With the name in the text that an upstream may add (RFC 8914)."""
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(dns.rcode.SERVFAIL)
    reply.use_edns(0, options=[dns.edns.EDEOption(22, str(query.question[0].name))])
    yield reply.to_wire()


def _looping(query: dns.message.Message) -> Iterator[bytes]:
    """A name that points to itself."""
    question = query.to_wire()[12:].partition(b"\0")[0] + b"\0\0\1\0\1"
    head = query.id.to_bytes(2, "big") + b"\x81\x80\0\1\0\1\0\0\0\0"
    yield head + question + b"\xc0" + bytes([len(head + question)]) + b"\0\1\0\1\0\0\1\0\0\4abcd"


def _cut(query: dns.message.Message) -> Iterator[bytes]:
    yield _answer(query, TRUE)[:-3]


_REACTIONS: dict[str, Callable[[dns.message.Message], Iterator[bytes]]] = {
    "garbage": _garbage,
    "forged": _mismatched,
    "mismatched": _mismatched,
    "servfail": _servfail,
    "looping": _looping,
    "cut": _cut,
    "silent": lambda _: iter(()),
}


@contextlib.contextmanager
def odd_upstream() -> Iterator[OddUpstream]:
    """Run one."""
    upstream = OddUpstream()
    try:
        yield upstream
    finally:
        upstream.stop()
