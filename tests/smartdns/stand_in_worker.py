"""Workers that answer with pid and socket: what a supervisor does can be seen with them.

`python stand_in_worker.py template` is what they are forked from.

Each datagram and each connection gets its pid, the inode of the socket by which it came, and what
the datagram was. The inode is the same in every process that has the socket.

The setting `stand_in` decides how one behaves: "" well, "late" is prepared half a second after its
start, "ignorant" never is, "failing" says that it cannot start, "dying" ends at once.
"""

import os
import sys
from collections.abc import Sequence
from socket import SOCK_DGRAM

from smartdns.process.event_loop import install_reactor
from smartdns.process.sockets import NamedSocket, by_name, inherited
from smartdns.process.template import fork_when_asked
from smartdns.process.worker_channel import WorkerEnd, receive_beginning, say_failed, say_pid

(channel,) = by_name(inherited())["control"]
forked = fork_when_asked(channel, lambda _: None)
if forked is None:
    sys.exit()
_, control = forked
say_pid(control)
behaviour = receive_beginning(control)["settings"]["stand_in"]
if behaviour == "dying":
    sys.exit(1)
if behaviour == "failing":
    say_failed(control, "MEDIASTREAMER_STAND_IN: takes something better")
    sys.exit(1)

install_reactor()
from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol, Factory, Protocol


class PidByDatagram(DatagramProtocol):
    noisy = False

    def __init__(self, inode: int) -> None:
        self.inode = inode

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        self.transport.write(b"%d %d %s" % (os.getpid(), self.inode, datagram), addr)


class PidByStream(Protocol):
    def __init__(self, inode: int) -> None:
        self.inode = inode

    def connectionMade(self) -> None:
        self.transport.write(b"%d %d" % (os.getpid(), self.inode))
        self.transport.loseConnection()


opened: list[NamedSocket] = []


def open_front(sockets: Sequence[NamedSocket]) -> None:
    """Answer from now on."""
    opened.extend(sockets)
    for bound in (each.socket for each in sockets):
        descriptor, inode = bound.fileno(), os.fstat(bound.fileno()).st_ino
        if bound.type == SOCK_DGRAM:
            reactor.adoptDatagramPort(descriptor, bound.family, PidByDatagram(inode))
        else:
            factory = Factory.forProtocol(lambda inode=inode: PidByStream(inode))
            reactor.adoptStreamPort(descriptor, bound.family, factory)


def report() -> dict[str, bool]:
    """Say what the behaviour asks for."""
    late = behaviour == "late" and reactor.seconds() - started < 0.5
    prepared = behaviour != "ignorant" and not late
    return {"prepared": prepared, "ready": prepared and bool(opened)}


started = reactor.seconds()
WorkerEnd(
    control,
    report=report,
    answer=lambda question: {"pid": os.getpid(), "is": behaviour, "heard": question},
    open_front=open_front,
    orphaned=reactor.stop,
    reactor=reactor,
)
reactor.run()
