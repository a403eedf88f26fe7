"""An upstream that is quick: whatever is asked does not exist."""

import socket
import threading


class Absence:
    """Answers datagrams with NXDOMAIN, in a thread of its own; stop it at the end."""

    def __init__(self) -> None:
        self.queries = 0
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
        while (received := self._socket.recvfrom(512))[0] != self._stop:
            query, where = received
            self.queries += 1
            flags, counts = b"\x81\x83", query[4:6] + bytes(6)
            self._socket.sendto(query[:2] + flags + counts + query[12 : _end(query)], where)


def _end(query: bytes) -> int:
    """Give where the question ends."""
    at = 12
    while query[at]:
        at += query[at] + 1
    return at + 5
