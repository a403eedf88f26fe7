"""Sockets whose local end is chosen before they connect."""

import socket

from twisted.internet.posixbase import PosixReactorBase
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.internet.tcp import Client, Connector

from smartdns.upstream.egress import Direct

_IP_BIND_ADDRESS_NO_PORT = 24
"""Of linux/in.h: choose the port when connecting, so that one is enough for many peers."""


def open_socket(kind: socket.SocketKind, version: int, way_out: Direct) -> socket.socket:
    """Open a socket of an IP version that leaves by `way_out` and does not block.

    OSError where this machine has no such address or interface.
    """
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    opened = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    try:
        if way_out.interface is not None:
            device = way_out.interface.encode() + b"\0"
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
        if (source := way_out.source(version)) is not None:
            opened.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            opened.bind((source, 0))
    except OSError:
        opened.close()
        raise
    return opened


class BoundConnections:
    """What a Twisted endpoint asks of a reactor, with `way_out` for each connection."""

    def __init__(self, reactor: PosixReactorBase, way_out: Direct) -> None:
        self._reactor = reactor
        self._way_out = way_out

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: ClientFactory[Protocol],
        timeout: float,
        bindAddress: None,
    ) -> Connector:
        """Connect as `IReactorTCP` does."""
        connector = _BoundConnector(host, port, factory, timeout, bindAddress, self._reactor)
        connector.way_out = self._way_out
        connector.connect()
        return connector


class _BoundConnector(Connector):
    way_out: Direct

    def _makeTransport(self) -> Client:
        return _BoundClient(  # type: ignore[no-untyped-call]
            self.host, self.port, self.bindAddress, self, self.reactor
        )


class _BoundClient(Client):
    def createInternetSocket(self) -> socket.socket:
        version = 4 if self.addressFamily == socket.AF_INET else 6
        return open_socket(socket.SOCK_STREAM, version, self.connector.way_out)
