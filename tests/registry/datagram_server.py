"""A UDP server in a thread that sends back whatever a test says: what a forger or a fault sends."""

import socket
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from smartdns.contract.addresses import SocketAddress, parse_socket_address


class DatagramServer:
    """For each datagram sends what `answer` makes of it; counts how many came."""

    def __init__(self, answer: Callable[[bytes], Iterable[bytes]]) -> None:
        self._answer = answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.count = 0

    @property
    def address(self) -> SocketAddress:
        """Where it listens."""
        host, port = self._socket.getsockname()
        return parse_socket_address(f"{host}:{port}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            octets, sender = self._socket.recvfrom(65_535)
            if not octets:
                return
            self.count += 1
            for answer in self._answer(octets):
                self._socket.sendto(answer, sender)
