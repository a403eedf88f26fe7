"""A resolver in the test's own process, on real sockets, with an allowlist of the test's own."""

import functools
import ipaddress
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import dns.exception
import dns.message
import dns.query
from twisted.internet import reactor
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.answering.concluding import conclude, stale
from smartdns.answering.knowledge import Knowledge, RelayAddresses
from smartdns.answering.memory.cache import Cache
from smartdns.answering.plan import Forward, Reply
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.answering.rules.rate_limit import RateLimiter
from smartdns.contract.addresses import parse_socket_address
from smartdns.contract.grants import Profile
from smartdns.process.sockets import ListenError, bind
from smartdns.resolver.listeners import Listeners
from smartdns.resolver.responder import Limits, Responder
from smartdns.resolver.stream_limits import StreamLimits
from smartdns.resolver.tls import ServerContext
from smartdns.roles.resolver_role import READY_SOCKETS
from smartdns.upstream.forwarder import Forwarder
from tests.peers.missing import require_program
from tests.smartdns.upstream.asking import upstream
from zones.catalog import Catalog
from zones.load import load_catalog

RELAY = "192.0.2.80"
STRANGER = "127.0.0.2"
REACTOR: Any = reactor


@functools.cache
def catalog() -> Any:
    """Read the real catalogue once."""
    return load_catalog()


class _Mistaken(dict[Any, Any]):
    def __contains__(self, _: object) -> bool:
        raise IndexError


MISTAKEN: Final = Catalog({}, {}, _Mistaken(), {}, frozenset())
"""A catalogue that every decision trips over, as over a mistake of ours."""


@dataclass
class Granted:
    """Who is let in, as the test says."""

    profiles: dict[bytes, Profile] = field(default_factory=dict)
    loaded: bool = True
    prefix_lengths: dict[bytes, int] = field(default_factory=dict)
    """Of the networks that were granted, where they are more than the address."""

    def lookup(self, address: bytes, day: int) -> Profile | None:
        profile = self.profiles.get(address)
        return profile if profile is not None and profile.holds_on(day) else None

    def lookup_network(self, address: bytes, _day: int) -> tuple[Profile, int] | None:
        profile = self.profiles.get(address)
        whole = 8 * len(address)
        return None if profile is None else (profile, self.prefix_lengths.get(address, whole))


class Laboratory:
    """One resolver on loopback; stop it at the end."""

    def __init__(
        self,
        *upstream_ports: int,
        listen: Sequence[str] = ("127.0.0.1:0",),
        streams: StreamLimits | None = None,
        client_rate: float = 0,
        refused_rate: float = 0,
        in_flight: int = 2_000,
        fast: bool = True,
        tls: ServerContext | None = None,
    ) -> None:
        here = ipaddress.ip_address("127.0.0.1").packed
        here6 = ipaddress.ip_address("::1").packed
        self.allowlist = Granted({here: Profile(), here6: Profile()})
        addresses = RelayAddresses((ipaddress.ip_address(RELAY).packed,))
        self.knowledge = Knowledge(
            self.allowlist, catalog(), {"*": addresses}, Cache(1 << 24), bytes(16)
        )
        self.forwarder: Forwarder[Reply] = Forwarder(
            REACTOR,
            [upstream(port) for port in upstream_ports],
            self._conclude,
            None,
            in_flight,
            self._stand_in,
            READY_SOCKETS if fast else 0,
        )
        limits = Limits(
            RateLimiter(client_rate, 2 * client_rate), RateLimiter(refused_rate, 2 * refused_rate)
        )
        self.ahead_s = 0.0
        self._stands_at: float | None = None
        self.responder = Responder(self.knowledge, self.forwarder, limits, self._now)
        self.sockets = _sockets(listen)
        self.port = self.sockets["udp"][0].getsockname()[1]
        if tls is not None:
            (over_tls,) = bind("tls", socket.SOCK_STREAM, parse_socket_address("127.0.0.1:0"))
            self.sockets["tls"] = [over_tls.socket]
            self.tls_port = over_tls.socket.getsockname()[1]
        self.listeners = Listeners(
            REACTOR,
            self.responder,
            self.sockets,
            streams or StreamLimits(100, 100),
            tls,
            fast=fast,
        )
        self.listeners.startService()

    async def stop(self) -> None:
        """Close everything."""
        await self.listeners.stopService()
        await self.forwarder.stopService()
        await deferLater(REACTOR, 0)
        for group in self.sockets.values():
            for bound in group:
                bound.close()

    def _conclude(self, plan: Forward, said: UpstreamReply | None) -> Reply:
        return conclude(plan, said, self.knowledge, self._now())

    def _stand_in(self, plan: Forward) -> Reply | None:
        return stale(plan, self.knowledge, self._now())

    def _now(self) -> float:
        """Monotonic seconds, of which a test may skip some."""
        return time.monotonic() + self.ahead_s if self._stands_at is None else self._stands_at

    def let_time_stand(self) -> None:
        """From now on rates regain nothing, and no second of the fast path turns."""
        self._stands_at = self._now()

    async def ask(
        self, name: str, kind: str = "A", *, tcp: bool = False, **options: Any
    ) -> dns.message.Message:
        """Ask as a stub resolver does: once more where a query was lost, as on a busy machine."""
        query = dns.message.make_query(name, kind, use_edns=options.pop("edns", 0))
        how = dns.query.tcp if tcp else dns.query.udp
        to = options.pop("to", "127.0.0.1")
        patience = [options.pop("timeout")] if "timeout" in options else [5.0, 10.0]
        for timeout in patience:
            try:
                reply = await deferToThread(
                    how, query, to, port=self.port, timeout=timeout, **options
                )
            except dns.exception.Timeout:
                if timeout == patience[-1]:
                    raise
            else:
                assert isinstance(reply, dns.message.Message)
                return reply
        raise AssertionError

    async def dig(self, *arguments: str) -> str:
        """Ask as people do."""
        return await run("dig", "bind9-dnsutils", f"-p{self.port}", "@127.0.0.1", *arguments)

    async def kdig(self, *arguments: str) -> str:
        """Ask as Knot's people do."""
        return await run("kdig", "knot-dnsutils", f"-p{self.port}", "@127.0.0.1", *arguments)


async def run(program: str, package: str, *arguments: str) -> str:
    """Run a real client and give what it says."""
    path = require_program(program, package)
    ended = await deferToThread(
        subprocess.run, [path, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    return str(ended.stdout)


def _sockets(listen: Sequence[str]) -> dict[str, list[socket.socket]]:
    """Bind UDP and TCP to the same ports."""
    bound: dict[str, list[socket.socket]] = {"udp": [], "tcp": []}
    for text in listen:
        for _ in range(20):
            where = parse_socket_address(text)
            (udp,) = bind("udp", socket.SOCK_DGRAM, where)
            port = udp.socket.getsockname()[1]
            try:
                same = parse_socket_address(f"{text.rpartition(':')[0]}:{port}")
                (tcp,) = bind("tcp", socket.SOCK_STREAM, same)
            except ListenError:
                udp.socket.close()
                continue
            bound["udp"].append(udp.socket)
            bound["tcp"].append(tcp.socket)
            break
    return bound
