"""A worker that answers each datagram with its pid: what a supervisor does can be seen with it.

STAND_IN decides how it behaves: "" well, "late" is ready half a second after its start, "failing"
says that it cannot start.
"""

import os
import sys

from smartdns.sockets import by_name, inherited

(control,) = by_name(inherited())["control"]
behaviour = os.environ.get("MEDIASTREAMER_STAND_IN", "")

from smartdns.worker_channel import WorkerEnd, receive_sockets, say_failed

if behaviour == "failing":
    say_failed(control, "MEDIASTREAMER_STAND_IN: takes something better")
    sys.exit(1)

given = receive_sockets(control)
if given is None:
    sys.exit(0)
sockets = by_name(given)

from smartdns.event_loop import install_reactor

install_reactor()
from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol


class Pid(DatagramProtocol):
    noisy = False

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        self.transport.write(b"%d %s" % (os.getpid(), datagram), addr)


for udp in sockets.get("udp", []):
    reactor.adoptDatagramPort(udp.fileno(), udp.family, Pid())
    udp.close()

started = reactor.seconds()
WorkerEnd(
    control,
    report=lambda: {"ready": behaviour != "late" or reactor.seconds() - started > 0.5},
    answer=lambda question: {"pid": os.getpid(), "heard": question},
    orphaned=reactor.stop,
    reactor=reactor,
)
reactor.run()
