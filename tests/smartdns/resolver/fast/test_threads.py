"""Several loops at once, one for each address: they share cache, rates and upstreams."""

import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.answering.memory.cache import Cache
from tests.peers.quick_name_server import ADDRESS, QuickNameServer
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.fast.driven import wire
from tests.smartdns.resolver.laboratory import REACTOR, Laboratory

LOOPS, NAMES, TTL, WINDOW = 4, 300, 2, 16
STORM_S = 1.5
FEW_OCTETS = 60_000
"""What the cache may hold: a fifth of the names."""


@pytest.fixture
def fast() -> bool:
    """They are the fast path's."""
    return True


@pytest.fixture
def quick_name_server() -> Iterator[QuickNameServer]:
    """An upstream whose answers expire while the test runs."""
    server = QuickNameServer(TTL)
    yield server
    server.stop()


class Asker:
    """One household's devices, which ask one address of the resolver for names at random."""

    def __init__(self, where: tuple[str, int], seed: int) -> None:
        self.answered = 0
        self.wrong: list[bytes] = []
        self._random = random.Random(seed)  # noqa: S311 - a test's choice
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(where)
        self._socket.settimeout(0.3)

    def ask_for(self, seconds: float) -> None:
        """Ask on and on; a query that is dropped is asked again as another."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            names = [self._random.randrange(NAMES) for _ in range(WINDOW)]
            for name in names:
                self._socket.send(query(name, mixed=self._random.random() < 0.2))
            self._collect(len(names))

    def ask_all(self) -> set[int]:
        """Ask for each name until it is answered; give those that were."""
        left = set(range(NAMES))
        while left:
            some = list(left)[:WINDOW]
            for name in some:
                self._socket.send(query(name))
            left -= self._collect(len(some))
        return set(range(NAMES)) - left

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _collect(self, count: int) -> set[int]:
        found = set()
        try:
            for _ in range(count):
                reply = self._socket.recv(512)
                number = int.from_bytes(reply[:2])
                question = wire(f"n{number}.example.com")[12:]
                ttl = int.from_bytes(reply[-10:-6])
                right = (
                    reply[2:4] == b"\x81\x80"
                    and reply[12:].lower().startswith(question)
                    and reply.endswith(ADDRESS)
                    and 0 < ttl <= TTL
                )
                if not right:
                    self.wrong.append(reply)
                self.answered += 1
                found.add(number)
        except TimeoutError:
            pass
        return found


def query(number: int, *, mixed: bool = False) -> bytes:
    """Ask for one of the names; its ID says which."""
    name = f"n{number}.example.com"
    return wire(name.upper() if mixed else name, number)


def loops(resolver: Laboratory) -> list[threading.Thread]:
    """Give the threads of a resolver's loops."""
    return [port._loop._own_thread for port in resolver.listeners._datagram_ports]  # type: ignore[union-attr]


async def test_a_storm_on_several_addresses_is_answered_right(
    make_resolver: Make, quick_name_server: QuickNameServer
) -> None:
    """Answers expire, the cache evicts, knowledge and grants change, askers are forgotten."""
    resolver = make_resolver(quick_name_server.port, listen=("127.0.0.1:0",) * LOOPS)
    resolver.knowledge.cache = Cache(FEW_OCTETS)
    where = [bound.getsockname() for bound in resolver.sockets["udp"]]
    askers = [Asker(each, seed) for seed, each in enumerate(where)]
    storm = [deferToThread(each.ask_for, STORM_S) for each in askers]
    while not all(each.called for each in storm):
        resolver.responder.grants_changed()
        resolver.listeners._forget_askers()
        assert resolver.listeners.metrics()["queries_in_flight"] >= 0
        await deferLater(REACTOR, 0.02)
        resolver.responder.knowledge_changed()
        await deferLater(REACTOR, 0.02)
    for each in storm:
        await each
    assert all(each.is_alive() for each in loops(resolver))
    assert len(loops(resolver)) == LOOPS
    assert [each.wrong for each in askers] == [[]] * LOOPS
    assert all(each.answered > 2 * WINDOW for each in askers)
    assert resolver.knowledge.cache.octets <= FEW_OCTETS
    for each in askers:
        assert await deferToThread(each.ask_all) == set(range(NAMES))
        each.close()
    assert resolver.forwarder.waiting == resolver.forwarder.in_flight == 0


async def test_what_one_loop_learned_another_one_knows(
    make_resolver: Make, quick_name_server: QuickNameServer
) -> None:
    """A household that changes its address of the resolver costs no query upstream."""
    resolver = make_resolver(quick_name_server.port, listen=("127.0.0.1:0",) * LOOPS)
    for bound in resolver.sockets["udp"]:
        resolver.port = bound.getsockname()[1]
        assert (await resolver.ask("shared.example.com")).answer
    assert quick_name_server.queries == 1
