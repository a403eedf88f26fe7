"""Accepting: a registered address's connection is followed, a stranger's closed unread."""

import errno
import functools
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from smartdns.contract.addresses import SocketAddress
from smartdns.relay.opening_protocol import Opening, Port
from smartdns.relay.protocol import Relay
from smartdns.relay.session import client_network

_AT_ONCE = 32
_MAPPED = bytes(10) + b"\xff\xff"
_SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


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
    """All listening sockets of one worker, which it may share with others."""

    def __init__(self, relay: Relay, listening: Sequence[Listening]) -> None:
        self.paused = False
        """Something has run out; connections wait in the kernel meanwhile."""
        self._relay = relay
        self._listening = listening

    def start(self) -> None:
        """Accept from now on."""
        for one in self._listening:
            one.socket.setblocking(False)
            # Inherited by what is accepted.
            one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._watch()

    def stop(self) -> None:
        """Accept no more; the sockets stay open, for they may be others' too."""
        for one in self._listening:
            self._relay.poller.remove(one.socket.fileno())

    def tick(self) -> None:
        """Try again what had run out."""
        if self.paused and not self._relay.census.full:
            self.paused = False
            self._watch()

    def _watch(self) -> None:
        for one in self._listening:
            self._relay.poller.add_listener(
                one.socket.fileno(), functools.partial(self._accept, one)
            )

    def _pause(self) -> None:
        self.paused = True
        self.stop()

    def _accept(self, listening: Listening, _mask: int) -> None:
        relay = self._relay
        for _ in range(_AT_ONCE):
            if relay.census.full:
                self._pause()
                return
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
        relay = self._relay
        profile = relay.knowledge.allowlist.lookup(address, relay.day)
        if profile is None or not relay.census.enter(client_network(address)):
            client.close()
            return
        client.setblocking(False)
        Opening(relay, client, address, profile, port).start()


def _octets(host: str) -> bytes:
    if ":" not in host:
        return socket.inet_aton(host)
    octets = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    return octets[12:] if octets.startswith(_MAPPED) else octets
