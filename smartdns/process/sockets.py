"""Listening sockets: bound by a supervisor, handed to its workers, held while workers change.

Closing a SO_REUSEPORT socket loses what is queued on it (half of 200 datagrams, tried), so the
supervisor keeps every socket open, and a replacement inherits the socket of the worker it
replaces. Nobody may `shutdown()` an inherited socket: that reaches every process that has it.

A process finds what it inherits as systemd hands it over (sd_listen_fds(3)): descriptors from 3
on, LISTEN_FDS says how many, LISTEN_FDNAMES what each is for. Importing
`twisted.internet.endpoints` removes these variables, so they are read before Twisted is.
"""

import errno
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smartdns.contract.addresses import SocketAddress
from smartdns.process.socket_by_source import pick_by_source

FIRST_DESCRIPTOR = 3
_BACKLOG = 4096
_RECEIVE_BUFFER = 4 << 20  # octets; with the default, bursts of 256 queries lost 120


class ListenError(Exception):
    """An address that cannot be listened on; the text says why."""

    def __init__(self, text: str, where: SocketAddress, *, taken: bool) -> None:
        super().__init__(text)
        self.where = where
        self.taken = taken
        """Another program has the port."""


@dataclass(frozen=True)
class NamedSocket:
    """A socket and what it is for: udp, tcp, tls, web, check, relay-tls, relay-http or control."""

    name: str
    socket: socket.socket
    spread: bool = False
    """A household that comes by it may meet any worker, not always the same one."""

    def url(self) -> str:
        """How `status` shows it: `udp://127.0.0.1:1053`."""
        scheme = "udp" if self.socket.type == socket.SOCK_DGRAM else "tcp"
        host, port = self.socket.getsockname()[:2]
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def bind(
    name: str,
    kind: socket.SocketKind,
    where: SocketAddress,
    count: int = 1,
    *,
    listen: bool = True,
) -> list[NamedSocket]:
    """Bind `count` sockets to one address and port; the kernel picks among them by source.

    Port 0 takes a free one, the same for all. Without `listen` connections are refused until
    `start_listening` is called: the relay's, once it can serve. Raises ListenError.
    """
    first = _bound(kind, where, shared=False)
    where = SocketAddress(where.address, first.getsockname()[1])
    if count > 1:  # the first found the port free; it is bound again, to be shared
        first.close()
        sockets = [_bound(kind, where, shared=True) for _ in range(count)]
    else:
        sockets = [first]
    spread = count > 1 and not pick_by_source(sockets)
    bound = [NamedSocket(name, each, spread) for each in sockets]
    if listen:
        start_listening(bound)
    return bound


def start_listening(sockets: Iterable[NamedSocket]) -> None:
    """Take connections at those of TCP; sockets of one port come in the order of their binding."""
    for each in sockets:
        if each.socket.type == socket.SOCK_STREAM:
            each.socket.listen(_BACKLOG)


def are_listening(sockets: Iterable[NamedSocket]) -> bool:
    """Say whether all of them take connections, or are not of TCP."""
    return all(
        each.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        for each in sockets
        if each.socket.type == socket.SOCK_STREAM
    )


def _bound(kind: socket.SocketKind, where: SocketAddress, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if where.address.version == 6 else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:  # not held up by connections in TIME_WAIT
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((str(where.address), where.port))
    except OSError as error:
        bound.close()
        taken = error.errno == errno.EADDRINUSE
        raise ListenError(_why(error, kind, where), where, taken=taken) from None
    bound.setblocking(False)
    return bound


def _why(error: OSError, kind: socket.SocketKind, where: SocketAddress) -> str:
    protocol = "UDP" if kind == socket.SOCK_DGRAM else "TCP"
    port = f"{protocol} port {where.port} of {where.address}"
    match error.errno:
        case errno.EADDRINUSE:
            return f"{port} is taken by another program"
        case errno.EACCES:
            return f"{port} needs root, or CAP_NET_BIND_SERVICE, to listen on"
        case errno.EADDRNOTAVAIL:
            return f"{port}: this machine does not have that address"
        case _:
            return f"{port} cannot be listened on ({os.strerror(error.errno or 0)})"


def inherited(environment: Mapping[str, str] = os.environ) -> list[NamedSocket]:
    """Take over the sockets that a supervisor or systemd left for this process, if any."""
    if environment.get("LISTEN_PID", str(os.getpid())) != str(os.getpid()):
        return []  # meant for our parent
    count = int(environment.get("LISTEN_FDS", "0"))
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    names += ["unknown"] * (count - len(names))
    taken = []
    for offset in range(count):
        descriptor = FIRST_DESCRIPTOR + offset
        os.set_inheritable(descriptor, False)
        taken.append(NamedSocket(names[offset], socket.socket(fileno=descriptor)))
        taken[-1].socket.setblocking(False)
    return taken


def variables_for(sockets: Sequence[NamedSocket]) -> dict[str, str]:
    """Say to a child which sockets it has; it gets no LISTEN_PID, unknown before it starts."""
    return {
        "LISTEN_FDS": str(len(sockets)),
        "LISTEN_FDNAMES": ":".join(each.name for each in sockets),
    }


def by_name(sockets: Iterable[NamedSocket]) -> dict[str, list[socket.socket]]:
    """Group by what they are for."""
    groups: dict[str, list[socket.socket]] = {}
    for each in sockets:
        groups.setdefault(each.name, []).append(each.socket)
    return groups
