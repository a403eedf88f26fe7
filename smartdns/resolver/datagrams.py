"""Queries over UDP: the plain path, and how a reply is sent from the address that was asked."""

import socket
import struct
import sys

from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.udp import Port

from smartdns.answering.query import Source
from smartdns.resolver.rendering import Rendered
from smartdns.resolver.responder import Responder

_MOST_OCTETS = 4096
_MOST_AT_ONCE = 64
"""Datagrams read before the reactor serves its other sockets."""
_CONTROL_OCTETS = 64
_IPV6_PKTINFO = 50  # RFC 3542; Linux
_IPV6_RECVPKTINFO = 49
_IP_PKTINFO = 8  # ip(7)
_IPV4_INFO = struct.Struct("=I4s4s")
_IPV6_PEER = struct.Struct("!2xHI16sI")
_DONT_WAIT = int(socket.MSG_DONTWAIT)
"""A plain int: with the enumeration's flag, Python would look up its value at each call."""
_CONTROL_DATA_AT = 16  # after struct cmsghdr
_PKTINFO = {
    socket.AF_INET: (socket.IPPROTO_IP, _IP_PKTINFO, 12),
    socket.AF_INET6: (socket.IPPROTO_IPV6, _IPV6_PKTINFO, 20),
}

Address = tuple[str | int, ...]
Ancillary = list[tuple[int, int, bytes]]
WayBack = tuple[bytes, bytes]
"""Where a reply goes, as the kernel wrote it: sockaddr; control data with the address asked."""


def listen_datagrams(
    reactor: PosixReactorBase, bound: socket.socket, responder: Responder
) -> "DatagramPort":
    """Answer the datagrams that come to `bound`. The port duplicates it; the caller closes it."""
    port: DatagramPort = DatagramPort._fromListeningDescriptor(  # type: ignore[no-untyped-call] # noqa: SLF001 - as adoptDatagramPort does
        reactor, bound.fileno(), bound.family, Datagrams(responder), _MOST_OCTETS
    )
    port.startListening()
    return port


class Datagrams(DatagramProtocol):
    """Sends a reply to each query, from the address that the query came to."""

    noisy = False
    transport: "DatagramPort"

    def __init__(self, responder: Responder) -> None:
        self._responder = responder

    def datagramReceived(self, datagram: bytes, addr: Address, ancillary: Ancillary = []) -> None:  # noqa: B006
        """Answer now, or when the upstream has replied."""

        def send(reply: Rendered) -> None:
            self.transport.send(reply.octets, addr, ancillary)

        self._responder.respond(datagram, source_of(addr), send)


def source_of(addr: Address) -> Source:
    """Give the source of a query from a socket's address."""
    family = socket.AF_INET if len(addr) == 2 else socket.AF_INET6
    packed = socket.inet_pton(family, str(addr[0]).partition("%")[0])
    return Source(packed, int(addr[1]), "udp")


class DatagramPort(Port):
    """Twisted's UDP port, except that a reply is sent from the address that was asked.

    A socket bound to all addresses would answer from the address that the route prefers. A client
    that asked another address would not accept the reply (RFC 2181 section 4, RFC 1123 6.1.4.1).
    """

    socket: socket.socket
    protocol: Datagrams
    connected: bool
    _any_address = False

    def startListening(self) -> None:
        """Have the kernel tell the address that was asked, where the socket has several."""
        super().startListening()  # type: ignore[no-untyped-call]
        self._any_address = asks_which_address(self.socket)

    def doRead(self) -> None:
        """Pass the queued datagrams to the protocol, at most `_MOST_AT_ONCE`."""
        control = _CONTROL_OCTETS if self._any_address else 0
        for _ in range(_MOST_AT_ONCE):
            if not self.connected:
                return
            try:
                # Another process with this socket may have made it blocking.
                data, ancillary, _, addr = self.socket.recvmsg(
                    _MOST_OCTETS, control, socket.MSG_DONTWAIT
                )
            except OSError:  # nothing more, or an ICMP error about an earlier reply
                return
            self.protocol.datagramReceived(data, addr, ancillary)

    def send(self, data: bytes, addr: Address, ancillary: Ancillary) -> None:
        """Send a reply; it may be lost, as in any network: full buffers, no route."""
        if not self.connected:
            return
        try:
            self.socket.sendmsg([data], _from_the_same(ancillary), socket.MSG_DONTWAIT, addr)
        except OSError:
            return


def asks_which_address(bound: socket.socket) -> bool:
    """Have the kernel tell the address asked, where `bound` has several; True: it will tell."""
    if bound.getsockname()[0] not in {"0.0.0.0", "::"}:  # noqa: S104
        return False
    if bound.family == socket.AF_INET:
        bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        bound.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
    return True


def send_back(bound: socket.socket, octets: bytes, way_back: WayBack) -> None:
    """Send a reply, from any thread; it may be lost: full buffers, no route."""
    peer, control = way_back
    try:
        if not control:
            bound.sendto(octets, _DONT_WAIT, _address(peer))
            return
        level, kind, size = _PKTINFO[socket.AddressFamily(bound.family)]
        info = level, kind, control[_CONTROL_DATA_AT : _CONTROL_DATA_AT + size]
        bound.sendmsg([octets], [info], socket.MSG_DONTWAIT, _address(peer))
    except OSError:
        return


def _address(peer: bytes) -> Address:
    """Convert a sockaddr to an address as Python's sockets take it."""
    if len(peer) == 16:
        return socket.inet_ntoa(peer[4:8]), peer[2] << 8 | peer[3]
    port, flow, address, _ = _IPV6_PEER.unpack(peer)
    scope = int.from_bytes(peer[24:28], sys.byteorder)
    return socket.inet_ntop(socket.AF_INET6, address), port, flow, scope


def _from_the_same(ancillary: Ancillary) -> Ancillary:
    """Turn control data "came to this address" into "send from this address"."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
            # Interface 0: the route decides. ipi_spec_dst is the source address of the reply.
            _, local, _ = _IPV4_INFO.unpack(data[: _IPV4_INFO.size])
            return [(level, kind, _IPV4_INFO.pack(0, local, local))]
        if (level, kind) == (socket.IPPROTO_IPV6, _IPV6_PKTINFO):
            return [(level, kind, data)]
    return []
