"""The origin behind every relay of the benchmark: one epoll loop, told by the name what to do.

`bulk-OCTETS.…` sends so many octets and closes; `quick.…` answers as a TLS 1.3 server's sizes
are, without the cryptography; `idle.…` greets and waits.

    python -m bench.relay_origin PORT
"""

import contextlib
import os
import re
import select
import socket
import sys

BULK = re.compile(rb"bulk-(\d+)\.")
FLIGHT, TICKET = bytes(3_000), bytes(300)
_CHUNK = bytes(1 << 20)
_FILE = os.memfd_create("chunk")
os.write(_FILE, _CHUNK)
_EVENTS = select.EPOLLIN | select.EPOLLRDHUP


class Connection:
    """What one client is owed."""

    __slots__ = ("asked", "owed", "socket")

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.asked = 0
        self.owed = 0

    def read(self) -> bool:
        """Take what came; False once the client has gone."""
        data = self.socket.recv(65_536)
        if not data:
            return False
        self.asked += 1
        if self.asked == 1 and (bulk := BULK.search(data)):
            self.owed = int(bulk[1])
        else:
            self.socket.send(FLIGHT if self.asked == 1 else TICKET)
        return True

    def write(self) -> bool:
        """Send what is owed; True once nothing is."""
        with contextlib.suppress(BlockingIOError):
            while self.owed:
                self.owed -= os.sendfile(
                    self.socket.fileno(), _FILE, 0, min(self.owed, len(_CHUNK))
                )
        return not self.owed


def serve(port: int) -> None:
    """Serve for ever."""
    listening = socket.create_server(("127.0.0.1", port), backlog=4096)
    listening.setblocking(False)
    poll = select.epoll()
    poll.register(listening, select.EPOLLIN)
    connections: dict[int, Connection] = {}
    while True:
        for descriptor, events in poll.poll():
            if descriptor == listening.fileno():
                _accept(listening, poll, connections)
                continue
            try:
                _turn(connections[descriptor], events, poll)
            except (ConnectionError, StopIteration):
                connections.pop(descriptor).socket.close()


def _accept(
    listening: socket.socket, poll: select.epoll, connections: dict[int, Connection]
) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            accepted, _ = listening.accept()
            accepted.setblocking(False)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections[accepted.fileno()] = Connection(accepted)
            poll.register(accepted, _EVENTS)


def _turn(connection: Connection, events: int, poll: select.epoll) -> None:
    if events & (select.EPOLLIN | select.EPOLLHUP) and not connection.read():
        raise StopIteration
    if not connection.owed:
        return
    poll.modify(connection.socket, _EVENTS | select.EPOLLOUT)
    if connection.write():
        raise StopIteration


if __name__ == "__main__":
    serve(int(sys.argv[1]))
