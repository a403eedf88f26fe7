"""An upstream that is quick, for tests that ask a lot: one address for every name, or none."""

import socket
import struct
import threading

ADDRESS = bytes((198, 51, 100, 7))


class QuickNameServer:
    """Answers datagrams in a thread of its own; stop it at the end."""

    def __init__(self, ttl: int | None = None) -> None:
        """Answer with an address for `ttl` seconds; None: with NXDOMAIN."""
        self.queries = 0
        self._rcode, self._records = (3, b"") if ttl is None else (0, _record(ttl))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._stop = b"stop"
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close it."""
        self._socket.sendto(self._stop, self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _answer(self) -> None:
        counts = struct.pack("!4H", 1, bool(self._records), 0, 0)
        head = bytes((0x81, 0x80 | self._rcode)) + counts
        while (received := self._socket.recvfrom(512))[0] != self._stop:
            query, where = received
            self.queries += 1
            reply = query[:2] + head + query[12 : _end(query)] + self._records
            self._socket.sendto(reply, where)


def _record(ttl: int) -> bytes:
    return struct.pack("!HHHIH", 0xC00C, 1, 1, ttl, 4) + ADDRESS


def _end(query: bytes) -> int:
    """Give where the question ends."""
    at = 12
    while query[at]:
        at += query[at] + 1
    return at + 5
