"""Accepting: the connection of a registered address is taken, a stranger's is closed unread."""

import errno
import functools
import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from smartdns.contract.addresses import SocketAddress
from smartdns.relay.connection import Event
from smartdns.relay.transport import Context, Reader, Transport
from smartdns.wire.client_hello import ClientHelloReader
from smartdns.wire.http_host import HttpHostReader

_AT_ONCE = 32
_MAPPED = bytes(10) + b"\xff\xff"
_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Port:
    """What is spoken on a listening socket, and the port of its origins."""

    reader: Callable[[], Reader]
    origin_port: int


def tls_port(origin_port: int = 443) -> Port:
    """TLS, told apart by the server name of the ClientHello."""
    return Port(ClientHelloReader, origin_port)


def http_port(origin_port: int = 80) -> Port:
    """HTTP/1, told apart by the Host of the first request."""
    return Port(HttpHostReader, origin_port)


@dataclass(frozen=True, slots=True)
class Listening:
    """A bound socket and what is spoken there."""

    socket: socket.socket
    port: Port

    @property
    def bound_to(self) -> SocketAddress:
        """Address and port as the kernel has them."""
        host, port = self.socket.getsockname()[:2]
        return SocketAddress(ipaddress.ip_address(host), port)


class Listener:
    """All listening sockets of one worker, which it may share with other workers."""

    def __init__(self, context: Context, listening: Sequence[Listening]) -> None:
        self.paused = False
        """Descriptors have run out; connections wait in the kernel meanwhile."""
        self._context = context
        self._listening = listening

    def start(self) -> None:
        """Accept from now on."""
        for one in self._listening:
            one.socket.setblocking(False)
            # Accepted sockets inherit these.
            one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._watch()

    def stop(self) -> None:
        """Accept no more; the sockets stay open, since other workers may have them too."""
        for one in self._listening:
            self._context.poller.remove(one.socket.fileno())

    def tick(self) -> None:
        """Try again if descriptors had run out."""
        if self.paused:
            self.paused = False
            self._watch()

    def _watch(self) -> None:
        for one in self._listening:
            self._context.poller.watch_listener(
                one.socket.fileno(), functools.partial(self._accept, one)
            )

    def _pause(self) -> None:
        self.paused = True
        self.stop()

    def _accept(self, listening: Listening, _mask: int) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, peer = listening.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _SCARCE:
                    self._pause()
                    return
                continue  # that connection is gone already
            self._admit(client, _octets(peer[0]), listening.port)

    def _admit(self, client: socket.socket, address: bytes, port: Port) -> None:
        context = self._context
        admitted = context.admission.admit(address, context.day)
        if admitted is None or not context.census.has_room(admitted[1]):
            client.close()
            return
        if context.census.full:
            self._make_room()
        client.setblocking(False)
        Transport(context, client, address, admitted, port.reader(), port.origin_port).start()

    def _make_room(self) -> None:
        """End the connection that was silent for longest, of those of the network that has most.

        So a few networks that hold all they may cannot make everybody else wait, and who has few
        connections keeps them.
        """
        largest = self._context.census.largest()
        min(largest, key=lambda one: one.connection.silent_since).tell(Event.CROWDED_OUT)


def _octets(host: str) -> bytes:
    if ":" not in host:
        return socket.inet_aton(host)
    octets = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    return octets[12:] if octets.startswith(_MAPPED) else octets
