"""A relay on loopback with real sockets on both sides, and origins that do what a test wants."""

import contextlib
import errno
import ipaddress
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread

from smartdns.answering.query import Name
from smartdns.contract.addresses import SocketAddress
from smartdns.contract.grants import Profile
from smartdns.process.event_loop import loop_of
from smartdns.process.sockets import bind
from smartdns.relay.admission import Admission, OriginRules, RelayLimits
from smartdns.relay.egress import Egress
from smartdns.relay.listener import Listening, http_port, tls_port
from smartdns.relay.origins import Origins
from smartdns.relay.service import RelayService
from smartdns.upstream.egress import Direct
from smartdns.upstream.look_up import Resolved
from smartdns.wire.host_name import parse_host_name
from tests.peers.client_hello import handshake, records, server_name
from tests.peers.waiting import HANG_S
from zones.catalog import Catalog, Service

NAME = b"www.film.example"
HELLO = records(handshake(server_name(NAME)))
FILM = Service("film", "Film", ("us", "gb"), suffixes=("film.example",))
CATALOG = Catalog({"film": FILM}, {}, {b"\x04film\x07example\x00": FILM}, {}, frozenset())
Serve = Callable[[socket.socket], None]


@dataclass
class Granted:
    """An allowlist in a dictionary, with what the mirror promises."""

    profiles: dict[bytes, Profile] = field(default_factory=dict)
    loaded: bool = True
    generation: int = 0

    def lookup(self, address: bytes, _day: int) -> Profile | None:
        return self.profiles.get(address)

    def lookup_network(self, address: bytes, day: int) -> tuple[Profile, int] | None:
        profile = self.lookup(address, day)
        return None if profile is None else (profile, 8 * len(address))

    def remove(self, address: bytes) -> None:
        """Let it in no longer."""
        del self.profiles[address]
        self.generation += 1


class Origin:
    """A TCP server that treats each connection as the test says, in a thread of its own."""

    def __init__(self, serve: Serve, host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, port), family=family)
        self.port: int = self._listening.getsockname()[1]
        self._serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError as error:
                if error.errno != errno.EMFILE:
                    return  # it was closed
                time.sleep(0.01)  # another server would wait for a descriptor, too
                continue
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(60)
            self._serve(connection)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RD)
        self._listening.close()


def read_exactly(connection: socket.socket, count: int) -> bytes:
    """Read so many octets, or fewer at the end."""
    data = bytearray()
    while len(data) < count and (part := connection.recv(count - len(data))):
        data += part
    return bytes(data)


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side has said its last."""
    data = bytearray()
    while part := connection.recv(1 << 20):
        data += part
    return bytes(data)


def echo(connection: socket.socket) -> None:
    """Send back what comes, until the end."""
    while data := connection.recv(65_536):
        connection.sendall(data)


class Laboratory:
    """One relay, in this process and on this reactor; without an origin's port, its own is."""

    def __init__(
        self,
        origin_port: int | None,
        *,
        answers: Mapping[bytes, tuple[str, ...]] | None = None,
        egresses: Mapping[str, Egress] | None = None,
        limits: RelayLimits | None = None,
        rules: OriginRules | None = None,
        host: str = "127.0.0.1",
        tls: socket.socket | None = None,
    ) -> None:
        address = ipaddress.ip_address(host)
        self.allowlist = Granted({address.packed: Profile()})
        self.answers = dict(answers or {NAME: (host,)})
        self.asked: list[Name] = []
        bound, self._http = (
            bind(name, socket.SOCK_STREAM, SocketAddress(address, 0))[0].socket
            for name in ("relay-tls", "relay-http")
        )
        self._tls = tls or bound
        if tls is not None:
            bound.close()
        self.tls: tuple[str, int] = self._tls.getsockname()[:2]
        self.http: tuple[str, int] = self._http.getsockname()[:2]
        origin_port = self.tls[1] if origin_port is None else origin_port
        listening = frozenset(SocketAddress(address, port) for _, port in (self.tls, self.http))
        egresses = egresses or {"*": Direct()}
        rules = rules or OriginRules(listening=listening, private_allowed=True)
        self.origins = Origins(self._lookup, rules, reactor.seconds)
        limits = limits or RelayLimits(drain=0.1)
        self.admission = Admission(self.allowlist, CATALOG, egresses, ("*",), limits=limits)
        self.service = RelayService(
            loop_of(reactor),
            self.admission,
            dict.fromkeys(egresses, self.origins),
            (
                Listening(self._tls, tls_port(origin_port)),
                Listening(self._http, http_port(origin_port)),
            ),
        )

    def _lookup(self, name: Name) -> "Deferred[Resolved | None]":
        self.asked.append(name)
        for text, addresses in self.answers.items():
            if parse_host_name(text) == name:
                return succeed(
                    Resolved(tuple(ipaddress.ip_address(a).packed for a in addresses), 60.0)
                )
        return succeed(None)

    @property
    def open(self) -> int:
        """Connections that the relay has."""
        return self.service.context.census.total

    def connect(
        self, where: tuple[str, int] | None = None, source: str | None = None
    ) -> socket.socket:
        """Connect a client that does not wait for ever."""
        bound = None if source is None else (source, 0)
        return socket.create_connection(where or self.tls, 20, bound)

    def greet(self, source: str | None = None) -> socket.socket:
        """Connect and say hello to `NAME`."""
        client = self.connect(source=source)
        client.sendall(HELLO)
        return client

    def converse(self, source: str | None = None) -> socket.socket:
        """Say hello to an origin that echoes it."""
        client = self.greet(source)
        assert read_exactly(client, len(HELLO)) == HELLO
        return client

    def ending(self, data: bytes = HELLO, where: tuple[str, int] | None = None) -> str:
        """Send `data` to where nobody answers it, and say how the relay ends that."""
        with self.connect(where) as client:
            client.sendall(data)
            return ends(client)

    def stop(self) -> "Deferred[None]":
        stopped = self.service.stopService()
        self._tls.close()
        self._http.close()
        return stopped


MakeOrigin = Callable[..., Origin]
MakeLaboratory = Callable[..., Laboratory]
in_thread = deferToThread


def until(condition: Callable[[], bool], seconds: float = HANG_S) -> "Deferred[None]":
    """Wait, turning the reactor, until something is so."""
    done: Deferred[None] = Deferred()
    end = reactor.seconds() + seconds

    def look() -> None:
        if condition():
            done.callback(None)
        elif reactor.seconds() > end:
            done.errback(AssertionError("it never became so"))
        else:
            reactor.callLater(0.01, look)

    look()
    return done


def ends(connection: socket.socket) -> str:
    """Say how the other side ended a connection without a word: "closed" or "reset"."""
    try:
        said = connection.recv(1)
    except ConnectionResetError:
        return "reset"
    assert said == b""
    return "closed"


def reset(connection: socket.socket) -> None:
    """Close with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
