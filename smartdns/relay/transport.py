"""The sockets of one connection: tells its state machine what happens, and does what that says.

`listener` makes a transport for each client that was let in. When a connection begins, moves on and
ends is decided in `connection`; where it may go, in `admission`.
"""

import contextlib
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from smartdns.answering.query import Name
from smartdns.contract.grants import Profile
from smartdns.relay import connection, splice
from smartdns.relay.admission import Admission, CheckOrigin
from smartdns.relay.connector import Connecting, Connector
from smartdns.relay.epoll import ENDING, READABLE, WRITABLE, Poller, is_reset
from smartdns.wire.client_hello import ClientHelloReader
from smartdns.wire.host_name import NoName
from smartdns.wire.http_host import HttpHostReader

if TYPE_CHECKING:
    from smartdns.relay.census import Census

_FIRST_READ = 16_384
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Reader = ClientHelloReader | HttpHostReader


@dataclass(slots=True, repr=False)
class Context:
    """What all connections of one worker share."""

    poller: Poller
    admission: Admission
    connector: Connector
    pipes: splice.Pipes
    patience: connection.Patience
    census: "Census[Transport]"
    day: int = 0
    """The UTC day's ordinal, by which grants end."""


class Transport:
    """One connection's sockets, and the octets under way between them."""

    __slots__ = (
        "_client", "_connecting", "_context", "_down", "_origin", "_origin_port", "_profile",
        "_reader", "_up", "address", "connection", "deadline", "network",
    )  # fmt: skip

    # Only while CONNECTING:
    _connecting: Connecting
    # From RELAYING on:
    _origin: socket.socket
    _up: splice.Direction
    _down: splice.Direction

    def __init__(
        self,
        context: Context,
        client: socket.socket,
        address: bytes,
        admitted: tuple[Profile, bytes],
        reader: Reader,
        origin_port: int,
    ) -> None:
        """Take a client's socket that does not block, and what reads its first octets.

        `admitted` is as `Admission.admit` gives it.
        """
        self.address = address
        """The client's, 4 or 16 octets."""
        self._profile, self.network = admitted
        self.connection = connection.Connection(context.patience, context.poller.deadlines.now)
        self.deadline: int | None = None
        self._context = context
        self._client = client
        self._reader = reader
        self._origin_port = origin_port

    def start(self) -> None:
        """Read at once: the first octets often came with the connection."""
        context = self._context
        context.census.enter(self.network, self)
        try:
            self._read()
        except Exception:  # a fault of ours, and there is no deadline yet
            self.tell(connection.FAILED)
            raise
        if self.connection.state is connection.READING:
            context.poller.watch(self._client.fileno(), self._client_waits)
            context.poller.deadlines.set(self, self.connection.deadline)

    def due(self) -> None:
        """Called by the poller when the deadline has come."""
        self.tell(connection.DUE)

    def tell(self, event: connection.Event, *given: object) -> None:
        """Let the state machine take an event, and do what it says with what is given."""
        for action in self.connection.on(event, self._context.poller.deadlines.now):
            self._METHODS[action](self, *given)
        deadline = self.connection.deadline
        if deadline is None or self.deadline is None or deadline < self.deadline:
            self._context.poller.deadlines.set(self, deadline)

    # READING

    def _client_waits(self, mask: int) -> None:
        """Called by the poller until RELAY, which asks once more for what is ignored here."""
        if self.connection.state is connection.READING:
            if mask & READABLE:
                self._read()
        elif is_reset(self._client, mask):
            self.tell(connection.FAILED)

    def _read(self) -> None:
        outcome: Name | NoName = NoName.NOT_YET
        try:
            while outcome is NoName.NOT_YET:
                data = self._client.recv(_FIRST_READ)
                outcome = self._reader.feed(data) if data else NoName.NEVER
        except BlockingIOError:
            return
        except OSError:
            outcome = NoName.NEVER
        if isinstance(outcome, NoName):
            route = None
        else:
            route = self._context.admission.route(outcome, self._profile)
        if route is None:
            self.tell(connection.FAILED)
        else:
            self.tell(connection.NAMED, outcome, route)

    # FINDING and CONNECTING

    def _look_up(self, name: Name, route: str | CheckOrigin) -> None:
        connector, port = self._context.connector, self._origin_port
        connector.look_up(name, port, route, self._found, self._connected)

    def _found(self, connecting: Connecting | None) -> None:
        if connecting is None:
            self.tell(connection.FAILED)
        else:
            self.tell(connection.FOUND, connecting)

    def _connect(self, connecting: Connecting) -> None:
        self._connecting = connecting
        connecting.start()

    def _connected(self, origin: socket.socket | None) -> None:
        if origin is None:
            self.tell(connection.FAILED)
        else:
            self.tell(connection.CONNECTED, origin)

    def _cancel(self) -> None:
        self._connecting.cancel()
        del self._connecting

    # RELAYING and HALF_CLOSED

    def _relay(self, origin: socket.socket) -> None:
        """Pass on what came first; to be told when there is more is cheaper than to ask."""
        context = self._context
        self._origin = origin
        self._up = splice.Direction(self._client, origin, self._reader.received)
        self._down = splice.Direction(origin, self._client)
        del self._reader, self._connecting
        context.poller.ready[origin.fileno()] = self._origin_ready
        try:
            context.poller.watch(self._client.fileno(), self._client_ready)
            self._up.begin(context.pipes)
        except OSError:
            self.tell(connection.FAILED)

    def _client_ready(self, mask: int) -> None:
        self._ready(mask, self._client, self._up, self._down)

    def _origin_ready(self, mask: int) -> None:
        self._ready(mask, self._origin, self._down, self._up)

    def _ready(
        self, mask: int, end: socket.socket, from_it: splice.Direction, to_it: splice.Direction
    ) -> None:
        self.connection.silent_since = self._context.poller.deadlines.now
        if mask & ENDING:
            from_it.ending = True
            if is_reset(end, mask):
                self.tell(connection.FAILED)
                return
        if mask & WRITABLE and to_it.flow is splice.BLOCKED:
            self._turn(to_it)
        if mask & READABLE and from_it.flow is splice.DRAINED:
            self._turn(from_it)

    def _turn(self, direction: splice.Direction) -> None:
        """Let a direction move octets, and see that it has its next turn."""
        context = self._context
        try:
            flow = direction.turn(context.pipes)
        except OSError:
            self.tell(connection.FAILED)
            return
        if flow is splice.DRAINED:
            if direction.muted:
                direction.muted = False
                context.poller.unmute(direction.source.fileno())
        elif flow is splice.ENDED:
            self.tell(connection.CLIENT_ENDED if direction is self._up else connection.ORIGIN_ENDED)
        elif flow is splice.UNFINISHED:
            context.poller.again(lambda: self._go_on(direction, flow))
        elif flow is splice.GATHERING:
            context.poller.soon(lambda: self._go_on(direction, flow))
            if not direction.muted:
                direction.muted = True
                context.poller.mute(direction.source.fileno())

    def _go_on(self, direction: splice.Direction, flow: splice.Flow) -> None:
        if direction.flow is flow:
            self.connection.silent_since = self._context.poller.deadlines.now
            self._turn(direction)

    def _shut_down_client(self) -> None:
        self._shut_down(self._client)

    def _shut_down_origin(self) -> None:
        self._shut_down(self._origin)

    def _shut_down(self, end: socket.socket) -> None:
        try:
            end.shutdown(socket.SHUT_WR)
        except OSError:  # reset meanwhile
            self.tell(connection.FAILED)

    # DONE

    def _reset(self) -> None:
        for end in (self._client, self._origin):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)

    def _close_client(self) -> None:
        context = self._context
        context.census.leave(self.network, self)
        context.poller.forget(self._client.fileno())
        self._client.close()

    def _close_origin(self) -> None:
        context = self._context
        context.poller.forget(self._origin.fileno())
        self._origin.close()
        self._up.drop(context.pipes)
        self._down.drop(context.pipes)

    _METHODS: ClassVar[Mapping[connection.Action, Callable[..., None]]] = {
        connection.Action.LOOK_UP: _look_up,
        connection.Action.CONNECT: _connect,
        connection.Action.CANCEL: _cancel,
        connection.Action.RELAY: _relay,
        connection.Action.SHUT_DOWN_CLIENT: _shut_down_client,
        connection.Action.SHUT_DOWN_ORIGIN: _shut_down_origin,
        connection.Action.RESET: _reset,
        connection.Action.CLOSE_CLIENT: _close_client,
        connection.Action.CLOSE_ORIGIN: _close_origin,
    }
