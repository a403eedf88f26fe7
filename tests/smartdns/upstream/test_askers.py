"""Those who wait for a question: from whatever thread, each is told once, and none is lost."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.answering.numbers import NXDOMAIN
from smartdns.answering.plan import Forward
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.upstream.forwarder import Forwarder
from tests.peers.odd_name_server import OddNameServer
from tests.peers.quick_name_server import QuickNameServer
from tests.smartdns.upstream.asking import question, said, upstream
from tests.smartdns.upstream.peer import REACTOR, HandTurned, Peer, until

Resolving = Forwarder[Any]
Make = Callable[..., Resolving]
ROUNDS, THREADS = 1_000, 3


@pytest.fixture
def quick() -> Iterator[QuickNameServer]:
    """A quick upstream."""
    server = QuickNameServer()
    yield server
    server.stop()


@pytest.fixture(params=[4, 0], ids=["first sent by the thread", "begun by the reactor"])
def ready_sockets(request: pytest.FixtureRequest) -> int:
    """How many sockets are kept ready: with none everything is begun by the reactor."""
    return int(request.param)


@pytest_twisted.async_yield_fixture
async def make(ready_sockets: int) -> AsyncIterator[Make]:
    """Make forwarders that were asked before; they are stopped after the test."""
    made: list[Resolving] = []

    def make(port: int, conclude: Any = said, **options: Any) -> Resolving:
        resolving: Resolving = Forwarder(
            REACTOR, [upstream(port)], conclude, ready_sockets=ready_sockets, **options
        )
        for member in resolving.upstreams:
            member.health.answered(0.01, REACTOR.seconds())
        resolving._fill()
        made.append(resolving)
        return resolving

    yield make
    for each in made:
        await each.stopService()
        for _ in range(2):
            await deferLater(REACTOR, 0)


async def test_many_threads_with_one_question_ask_once_and_all_are_told(
    make: Make, odd_name_server: OddNameServer
) -> None:
    """At the same moment; each asker is called once, in the reactor's thread."""
    odd_name_server.delay = 0.1
    resolving = make(odd_name_server.port)
    told: list[tuple[int, int, int]] = []
    together = threading.Barrier(8)

    def ask(thread: int) -> None:
        together.wait()
        for number in range(50):
            assert resolving.ask(
                question("a.example"),
                lambda _, n=number: told.append((thread, n, threading.get_ident())),  # type: ignore[misc]
            )

    threads = [threading.Thread(target=ask, args=(thread,)) for thread in range(8)]
    for each in threads:
        each.start()
    await until(lambda: len(told) == 8 * 50)
    for each in threads:
        each.join()
    assert len({(thread, number) for thread, number, _ in told}) == 8 * 50
    assert {ident for *_, ident in told} == {threading.get_ident()}
    assert len(odd_name_server.queries) == 1
    assert resolving.in_flight == resolving.waiting == 0


async def test_whoever_asks_as_a_question_ends_is_told_too(
    make: Make, quick: QuickNameServer
) -> None:
    """A thousand names, each asked by all threads about when the first one's answer comes."""
    resolving = make(quick.port)
    told: list[Any] = []

    def ask_all() -> None:
        for number in range(ROUNDS):
            answered = threading.Event()

            def asker(reply: UpstreamReply, answered: threading.Event = answered) -> None:
                told.append(reply)
                answered.set()

            assert resolving.ask(question(f"n{number}.example"), asker)
            assert answered.wait(30), number

    for each in [deferToThread(ask_all) for _ in range(THREADS)]:
        await each
    assert len(told) == THREADS * ROUNDS
    assert all(reply.rcode == NXDOMAIN for reply in told)
    assert ROUNDS <= quick.queries <= THREADS * ROUNDS
    assert resolving.in_flight == resolving.waiting == 0


async def test_who_asks_while_it_is_concluded_waits_no_longer(
    make: Make, odd_name_server: OddNameServer
) -> None:
    """What comes before all are told is told with them; nothing more goes upstream."""
    told: list[str] = []
    plan = question("a.example")

    def conclude(_plan: Forward, _reply: UpstreamReply | None) -> str:
        other = threading.Thread(target=resolving.ask, args=(plan, told.append))
        other.start()
        other.join()
        return "concluded"

    resolving = make(odd_name_server.port, conclude)
    assert resolving.ask(plan, told.append)
    await until(lambda: len(told) == 2)
    assert told == ["concluded"] * 2
    assert len(odd_name_server.queries) == 1
    assert resolving.in_flight == resolving.waiting == 0


async def test_who_asks_as_it_is_told_asks_anew(make: Make, odd_name_server: OddNameServer) -> None:
    """The question has ended by then, and what it led to may not have been kept."""
    told: list[object] = []
    resolving = make(odd_name_server.port)
    plan = question("a.example")

    def ask_again(_: object) -> None:
        assert resolving.ask(plan, told.append)

    assert resolving.ask(plan, ask_again)
    await until(lambda: bool(told))
    assert len(odd_name_server.queries) == 2


async def test_an_asker_that_trips_takes_nothing_from_the_others(
    make: Make, odd_name_server: OddNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours when one is told; the rest hear of the answer all the same."""
    told: list[object] = []
    failures: list[object] = []
    resolving = make(odd_name_server.port)
    monkeypatch.setattr(resolving._log, "failure", failures.append)

    def trip(_: object) -> None:
        raise IndexError

    for asker in (told.append, trip, told.append):
        assert resolving.ask(question("a.example"), asker)
    await until(lambda: len(told) == 2)
    assert failures == ["an answer could not be passed on"]
    assert resolving.in_flight == resolving.waiting == 0


async def test_what_nobody_waits_for_is_asked_once(
    make: Make, odd_name_server: OddNameServer
) -> None:
    """However many queries are a reason to; whoever asks meanwhile joins, and it has no network."""
    odd_name_server.delay = 0.1
    concluded: list[object] = []
    resolving = make(odd_name_server.port, lambda _, reply: concluded.append(reply))
    told: list[object] = []

    def refresh() -> None:
        for _ in range(5):
            resolving.refresh(question("a.example"))

    await deferToThread(refresh)
    assert resolving.waiting == resolving.in_flight == 1
    assert resolving.ask(question("a.example"), told.append, b"network")
    await until(lambda: bool(told))
    assert len(odd_name_server.queries) == len(concluded) == 1
    assert resolving.in_flight == resolving.waiting == 0


def test_who_waits_for_long_gets_what_stands_in_and_the_question_goes_on(
    ready_sockets: int,
) -> None:
    """Once, whenever they came; the late reply is concluded from, so the cache has it."""
    turned, peer = HandTurned(), Peer()
    reactor: Any = turned
    concluded: list[object] = []
    resolving: Resolving = Forwarder(
        reactor,
        [upstream(peer.port)],
        lambda _, reply: concluded.append(reply),
        stand_in=lambda plan: "old" if plan == question("a.example") else None,
        ready_sockets=ready_sockets,
    )
    resolving._fill()
    told: list[object] = []
    without: list[object] = []
    assert resolving.ask(question("a.example"), told.append, b"network")
    assert resolving.ask(question("b.example"), without.append, b"network")
    for _ in range(34):
        turned.turn(0.05)
    assert not told
    for _ in range(6):
        turned.turn(0.05)
    assert told == ["old"]
    assert resolving.waiting == 1, "its place is free again"
    assert resolving.ask(question("a.example"), told.append, b"network")
    for _ in range(3):
        turned.turn(0.05)
    assert told == ["old", "old"]
    assert not concluded
    for query, where in peer.queries():
        peer.socket.sendto(query[:2] + b"\x81\x83" + query[4:], where)
    turned.turn()
    turned.turn()
    assert all(isinstance(reply, UpstreamReply) for reply in concluded)
    assert len(concluded) == 2
    assert told == ["old", "old"]
    assert without == [None]
    assert resolving.in_flight == resolving.waiting == 0
    resolving.stopService()
    peer.socket.close()


async def test_who_asks_after_the_end_hears_that_there_is_no_answer(
    make: Make, odd_name_server: OddNameServer
) -> None:
    """From a thread that has not heard of the end yet; no query goes out, no timer is left."""
    resolving = make(odd_name_server.port)
    told: list[object] = []
    await resolving.stopService()
    assert await deferToThread(resolving.ask, question("a.example"), told.append)
    await until(lambda: bool(told))
    assert told == [None]
    assert not odd_name_server.queries
    assert resolving.in_flight == resolving.waiting == 0
