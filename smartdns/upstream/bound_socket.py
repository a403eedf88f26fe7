"""Sockets whose source address or interface is chosen before they connect."""

import socket

from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.internet.tcp import Client, Connector

from smartdns.upstream.egress import Direct

_IP_BIND_ADDRESS_NO_PORT = 24
"""From linux/in.h: choose the port at connect(2), so that many peers can share one port."""


def open_socket(kind: socket.SocketKind, version: int, egress: Direct) -> socket.socket:
    """Open a non-blocking socket of an IP version, bound to `egress`.

    OSError if this machine has no such address or interface.
    """
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    opened = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    try:
        if egress.interface is not None:
            device = egress.interface.encode() + b"\0"
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
        if (source := egress.source(version)) is not None:
            opened.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            opened.bind((source, 0))
    except OSError:
        opened.close()
        raise
    return opened


class BoundConnections:
    """Takes the reactor's place in a Twisted endpoint; connects through `egress`."""

    def __init__(self, reactor: PosixReactorBase, egress: Direct) -> None:
        self._reactor = reactor
        self._egress = egress

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: ClientFactory[Protocol],
        timeout: float,
        bindAddress: None,
    ) -> Connector:
        """Connect as in `IReactorTCP`; the endpoint calls this."""
        connector = _BoundConnector(host, port, factory, timeout, bindAddress, self._reactor)
        connector.egress = self._egress
        connector.connect()
        return connector


class _BoundConnector(Connector):
    egress: Direct

    def _makeTransport(self) -> Client:
        return _BoundClient(  # type: ignore[no-untyped-call]
            self.host, self.port, self.bindAddress, self, self.reactor
        )


class _BoundClient(Client):
    def createInternetSocket(self) -> socket.socket:
        version = 4 if self.addressFamily == socket.AF_INET else 6
        return open_socket(socket.SOCK_STREAM, version, self.connector.egress)
