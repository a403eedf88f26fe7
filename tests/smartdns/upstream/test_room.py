"""Room for questions: what one network may take of it, and what becomes of it afterwards."""

from collections.abc import AsyncIterator

import pytest
import pytest_twisted
from twisted.internet.task import deferLater

from smartdns.answering.plan import Forward
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.forwarder import Forwarder
from tests.peers.odd_name_server import OddNameServer, address_of_everything
from tests.smartdns.upstream.asking import question, upstream
from tests.smartdns.upstream.peer import REACTOR, until
from tests.smartdns.upstream.reactions import silence

IN_FLIGHT = 30


class Household:
    """Asks for names of its own, and hears what comes of it."""

    def __init__(self, network: bytes) -> None:
        self.network = network
        self.told: list[object] = []
        self._asked = 0

    def ask(self, room: "Room", name: str | None = None) -> bool:
        """Ask for one more name, or for that one."""
        self._asked += 1
        name = name or f"n{self._asked}.{self.network.decode()}.example"
        return room.resolving.ask(question(name), self.told.append, self.network)

    def fill(self, room: "Room", name: str | None = None) -> int:
        """Take all the places that it gets; give how many."""
        taken = 0
        while self.ask(room, name):
            taken += 1
        return taken


class Room:
    """A forwarder to one upstream with few places."""

    def __init__(self, port: int, in_flight: int = IN_FLIGHT) -> None:
        self.concluded: list[Forward] = []
        self.resolving: Forwarder[UpstreamReply | None] = Forwarder(
            REACTOR, [upstream(port)], self._conclude, in_flight=in_flight
        )

    def _conclude(self, plan: Forward, reply: UpstreamReply | None) -> UpstreamReply | None:
        self.concluded.append(plan)
        return reply


@pytest_twisted.async_yield_fixture
async def room(odd_name_server: OddNameServer) -> AsyncIterator[Room]:
    """Its upstream is silent till the test says otherwise."""
    odd_name_server.react = silence
    made = Room(odd_name_server.port)
    yield made
    await made.resolving.stopService()
    for _ in range(2):
        await deferLater(REACTOR, 0)


async def test_one_network_gets_a_third_of_what_is_free_and_each_other_one_finds_some(
    room: Room,
) -> None:
    """Eight of thirty, then six of what is left, and so on to the very last."""
    taken = [Household(b"h%d" % number).fill(room) for number in range(30)]
    assert taken == [8, 6, 4, 3, 3, 2, 1, 1, 1, 1] + [0] * 20
    assert room.resolving.in_flight == room.resolving.waiting == IN_FLIGHT


async def test_whoever_waits_for_one_question_takes_a_place_each(room: Room) -> None:
    """A household of many devices, too; for another one the same question is still open."""
    assert Household(b"one").fill(room, "same.example") == 10
    assert Household(b"two").fill(room, "same.example") == 10
    assert room.resolving.in_flight == 1
    assert room.resolving.waiting == 20


async def test_who_finds_no_place_is_told_at_once_and_no_failure_is_concluded(
    room: Room, odd_name_server: OddNameServer
) -> None:
    """It would be kept, and the name would fail for all others, too; nor does a query go out."""
    household, another = Household(b"one"), Household(b"two")
    taken = household.fill(room)
    assert not household.ask(room, "wanted.example")
    assert not room.concluded
    odd_name_server.react = address_of_everything
    assert another.ask(room, "wanted.example")
    await until(lambda: bool(another.told))
    assert another.told != [None]
    assert len(odd_name_server.queries) <= taken + 1


async def test_its_places_come_back(room: Room, odd_name_server: OddNameServer) -> None:
    """With the answers; and nothing says that it ever asked."""
    odd_name_server.react = address_of_everything
    household = Household(b"one")
    for _ in range(3):
        taken = household.fill(room)
        assert taken == 8
        await until(lambda: room.resolving.waiting == 0)
    assert len(household.told) == 3 * 8
    assert None not in household.told
    assert room.resolving.in_flight == 0
    assert not room.resolving._places._waiting


async def test_one_who_stops_waiting_gives_its_place_back(room: Room) -> None:
    """Where it waits by a Deferred; the question goes on."""
    waiting = room.resolving.forward(question("a.example"))
    waiting.addErrback(lambda _: None)
    assert room.resolving.waiting == 1
    waiting.cancel()
    assert room.resolving.waiting == 0
    assert room.resolving.in_flight == 1


@pytest.mark.parametrize("dead", [True, False])
async def test_few_questions_are_put_to_the_dead(
    odd_name_server: OddNameServer, dead: bool
) -> None:
    """Enough to find out whether they are back, and for each network some of them."""
    odd_name_server.react = silence
    room = Room(odd_name_server.port, 1_000)
    if dead:
        (member,) = room.resolving.upstreams
        for second in (30, 20, 10):
            member.health.probe_lost(REACTOR.seconds() - second)
    assert Household(b"one").fill(room) == (16 if dead else 250)
    assert Household(b"two").ask(room)
    ours = [room.resolving.ask(question(f"n{n}.ours.example"), lambda _: None) for n in range(60)]
    assert ours.count(True) == (64 - 17 if dead else 60)
    await room.resolving.stopService()
    for _ in range(2):
        await deferLater(REACTOR, 0)
