"""One household asks for names whose authoritative servers are silent; others notice nothing."""

import itertools
import socket
from collections.abc import AsyncIterator, Callable

import dns.message
import dns.rcode
import pytest
import pytest_twisted
from twisted.internet.defer import ensureDeferred
from twisted.internet.task import LoopingCall, deferLater

from smartdns.answering.names import ROOT
from smartdns.contract.grants import Profile
from smartdns.upstream.watcher import UpstreamWatcher
from tests.peers.odd_name_server import OddNameServer, Reaction, address_of_everything
from tests.smartdns.resolver.conftest import Make
from tests.smartdns.resolver.laboratory import REACTOR, Laboratory

ASKER_OF_SILENT_NAMES = "127.0.0.3"
SILENT_ZONE = "silent.example."
RATE = 100
LASTS_S = 12.0
QUIET_S = 10.0
"""Nobody else asks anything for so long: only probes are heard of the upstreams."""

Start = Callable[..., "Pressed"]


def silent_below_one_zone(query: dns.message.Message, transport: str) -> Reaction:
    """React as a resolver does: a name whose servers are silent gets no reply for long."""
    name = str(query.question[0].name).lower()
    return None if name.endswith(SILENT_ZONE) else address_of_everything(query, transport)


class Pressed:
    """A resolver that one network asks for silent names, at a steady rate."""

    def __init__(self, resolver: Laboratory) -> None:
        self.resolver = resolver
        resolver.allowlist.profiles[socket.inet_aton(ASKER_OF_SILENT_NAMES)] = Profile()
        resolver.responder.grants_changed()
        self.watcher = UpstreamWatcher(
            REACTOR, {ROOT: resolver.forwarder.group_for(ROOT)}, bytes(16)
        )
        self.asked = 0
        self._asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._asker.bind((ASKER_OF_SILENT_NAMES, 0))
        self._asker.connect(("127.0.0.1", resolver.port))
        self._asker.setblocking(False)
        self._asking = LoopingCall.withCount(self._ask)
        self._asking.clock = REACTOR

    def start(self) -> None:
        """Begin to ask, and to watch the upstreams."""
        self.watcher.startService()
        self._asking.start(1 / RATE)

    def stop(self) -> None:
        """End both."""
        self._asking.stop()
        self._asker.close()
        self.watcher.stopService()

    def _ask(self, times: int) -> None:
        for _ in range(times):
            query = dns.message.make_query(f"n{self.asked}.{SILENT_ZONE}", "A")
            self._asker.send(query.to_wire())
            self.asked += 1


@pytest_twisted.async_yield_fixture
async def press(make_resolver: Make) -> AsyncIterator[Start]:
    """Start to press a resolver in front of upstreams at some ports."""
    pressed: list[Pressed] = []

    def start(*ports: int, **options: object) -> Pressed:
        pressed.append(Pressed(make_resolver(*ports, **options)))
        pressed[-1].start()
        return pressed[-1]

    yield start
    for each in pressed:
        each.stop()


@pytest_twisted.async_yield_fixture
async def another_name_server() -> AsyncIterator[OddNameServer]:
    """A second upstream."""
    server = OddNameServer(REACTOR)
    server.start()
    yield server
    await server.stop()


async def others_are_answered(pressed: Pressed) -> None:
    """Ask as another household for one fresh name after another, after a while of quiet."""
    end = REACTOR.seconds() + LASTS_S
    await deferLater(REACTOR, QUIET_S)
    for number in itertools.count():
        if REACTOR.seconds() >= end:
            return
        reply = await ensureDeferred(pressed.resolver.ask(f"fresh{number}.example.com"))
        assert reply.rcode() == dns.rcode.NOERROR, f"{number} names were answered, not this one"
        assert pressed.watcher.trouble() == []
        await deferLater(REACTOR, 0.1)


@pytest.mark.timeout_s(120)
@pytest.mark.parametrize("in_flight", [2_000, 200], ids=["roomy", "narrow"])
async def test_every_fresh_name_of_another_household_is_answered(
    press: Start, odd_name_server: OddNameServer, in_flight: int
) -> None:
    """With one upstream, on a quiet installation, from the first second to the twelfth."""
    odd_name_server.react = silent_below_one_zone
    pressed = press(odd_name_server.port, in_flight=in_flight)
    await others_are_answered(pressed)
    assert pressed.asked >= RATE * LASTS_S / 2
    silent = [q for _, q in odd_name_server.queries if "silent" in str(q.question[0].name).lower()]
    assert len({query.question[0].name for query in silent}) > 50


@pytest.mark.timeout_s(120)
async def test_with_two_upstreams_none_is_given_up(
    press: Start, odd_name_server: OddNameServer, another_name_server: OddNameServer
) -> None:
    """Both are silent for the same names, and both are asked for the others as before."""
    odd_name_server.react = another_name_server.react = silent_below_one_zone
    await others_are_answered(press(odd_name_server.port, another_name_server.port))
