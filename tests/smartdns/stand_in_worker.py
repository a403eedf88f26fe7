"""A worker that answers each datagram with its pid: what a supervisor does can be seen with it.

STAND_IN decides how it behaves: "" well, "late" is prepared half a second after its start,
"ignorant" never is, "failing" says that it cannot start.
"""

import os
import sys
from collections.abc import Sequence

from smartdns.sockets import NamedSocket, by_name, inherited

(control,) = by_name(inherited())["control"]
behaviour = os.environ.get("MEDIASTREAMER_STAND_IN", "")

from smartdns.worker_channel import WorkerEnd, say_failed

if behaviour == "failing":
    say_failed(control, "MEDIASTREAMER_STAND_IN: takes something better")
    sys.exit(1)

from smartdns.event_loop import install_reactor

install_reactor()
from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol


class Pid(DatagramProtocol):
    noisy = False

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        self.transport.write(b"%d %s" % (os.getpid(), datagram), addr)


opened: list[NamedSocket] = []


def open_front(sockets: Sequence[NamedSocket]) -> None:
    """Answer from now on."""
    opened.extend(sockets)
    for each in sockets:
        reactor.adoptDatagramPort(each.socket.fileno(), each.socket.family, Pid())


def report() -> dict[str, bool]:
    """Say what the behaviour asks for."""
    late = behaviour == "late" and reactor.seconds() - started < 0.5
    prepared = behaviour != "ignorant" and not late
    return {"prepared": prepared, "ready": prepared and bool(opened)}


started = reactor.seconds()
WorkerEnd(
    control,
    report=report,
    answer=lambda question: {"pid": os.getpid(), "heard": question},
    open_front=open_front,
    orphaned=reactor.stop,
    reactor=reactor,
)
reactor.run()
