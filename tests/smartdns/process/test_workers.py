"""Supervised workers, with real processes and sockets."""

import os
import signal
from itertools import pairwise

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from smartdns.process.child_process import restart_delay
from smartdns.process.workers import StartError
from tests.smartdns.supervised import SOURCES, Flood, Supervised, standby_of, start


@pytest.mark.parametrize("supervised", [{"count": 2}], indirect=True)
async def test_workers_share_a_port_and_stop_together(supervised: Supervised) -> None:
    """Both processes answer on one port, and none is left after the stop."""
    await start(supervised)
    pids = {worker.pid for worker in supervised.supervisor.workers}
    answering = {await deferToThread(supervised.ask, source) for source in SOURCES}
    assert answering == pids
    assert len(pids) == 2
    await supervised.supervisor.stopService()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_killed_worker_is_back_and_answers_what_was_queued(supervised: Supervised) -> None:
    """A datagram that came while nobody read the socket is answered by the successor."""
    await start(supervised)
    (worker,) = supervised.supervisor.workers
    os.kill(worker.pid, signal.SIGKILL)
    await worker.when_ended()
    successor = await deferToThread(supervised.ask)
    assert successor != worker.pid


async def test_who_dies_is_succeeded_by_the_standby(supervised: Supervised) -> None:
    """The successor is prepared before it is needed, and another waits soon after."""
    await start(supervised)
    standby, (worker,) = supervised.supervisor._standby.child, supervised.supervisor.workers
    os.kill(worker.pid, signal.SIGKILL)
    await worker.when_ended()
    assert await deferToThread(supervised.ask) == standby.pid
    await supervised.supervisor.when_ready()
    assert supervised.supervisor._standby.child not in {None, standby}


async def test_who_dies_is_succeeded_at_once_whatever_the_standby_knows(
    supervised: Supervised,
) -> None:
    """No query waits: the resolver's standby refuses while it knows nobody."""
    supervised.supervisor.startService()
    supervised.behaviour = "ignorant"  # from the standby on
    await supervised.supervisor.when_ready()
    standby, (worker,) = await standby_of(supervised.supervisor), supervised.supervisor.workers
    os.kill(worker.pid, signal.SIGKILL)
    await worker.when_ended()
    assert await deferToThread(supervised.ask) == standby.pid
    assert [each.pid for each in supervised.supervisor.workers] == [standby.pid]
    assert not supervised.supervisor.ready


async def test_a_standby_that_died_unnoticed_costs_no_place(supervised: Supervised) -> None:
    """Both die at once: whoever is handed the sockets is gone, and the next one gets them."""
    await start(supervised)
    (worker,) = supervised.supervisor.workers
    standby = supervised.supervisor._standby.child
    standby.channel._lost()  # its channel is closed, its end not reported yet
    os.kill(standby.pid, signal.SIGSTOP)
    os.kill(worker.pid, signal.SIGKILL)
    await worker.when_ended()
    assert await standby.channel.ask({"what": "anything"}) is None
    os.kill(standby.pid, signal.SIGKILL)
    assert await deferToThread(supervised.ask) not in {worker.pid, standby.pid}


async def test_a_standby_that_dies_is_succeeded_but_not_as_fast_as_possible(
    supervised: Supervised,
) -> None:
    """Settings that no new worker can start with cost the ones at work nothing."""
    await start(supervised)
    supervised.behaviour = "failing"
    starts: list[float] = []
    beginning = supervised.beginning
    enough: Deferred[None] = Deferred()

    def noted() -> dict[str, object]:
        starts.append(reactor.seconds())
        if len(starts) == 4:
            enough.callback(None)
        supervised.supervisor._look()  # as if the workers had something new to report
        return beginning()

    supervised.supervisor._beginning = noted
    standby = supervised.supervisor._standby.child
    os.kill(standby.pid, signal.SIGKILL)
    await enough
    for failures, (earlier, later) in enumerate(pairwise(starts), start=2):
        assert later - earlier >= restart_delay(failures)


async def test_a_crash_loop_backs_off(supervised: Supervised) -> None:
    """A worker that dies at once is started again ever more rarely, not as fast as possible."""
    supervised.behaviour = "dying"
    starts: list[float] = []
    enough: Deferred[None] = Deferred()
    spawn = supervised.supervisor._spawn

    def noted(sockets: object) -> object:
        starts.append(reactor.seconds())
        if len(starts) == 5:
            reactor.callLater(0, enough.callback, None)  # not from inside the start
        return spawn(sockets)

    supervised.supervisor._spawn = noted
    supervised.supervisor.startService()
    await enough
    for failures, (earlier, later) in enumerate(pairwise(starts), start=1):
        assert later - earlier >= restart_delay(failures)


async def test_a_worker_that_cannot_start_says_why(supervised: Supervised) -> None:
    """Its own line reaches whoever waits for the start."""
    supervised.behaviour = "failing"
    supervised.supervisor.startService()
    with pytest.raises(StartError, match="takes something better"):
        await supervised.supervisor.when_ready()


@pytest.mark.parametrize("supervised", [{"count": 2}], indirect=True)
async def test_a_rolling_restart_loses_no_query(supervised: Supervised) -> None:
    """At 1,000 datagrams a second, not one goes unanswered while every worker is replaced."""
    await start(supervised)
    before = {worker.pid for worker in supervised.supervisor.workers}
    supervised.behaviour = "late"
    met, over = Flood(), Deferred()
    flood = deferToThread(supervised.run, met, 1_000, over)
    await supervised.supervisor.replace_all()
    await deferLater(reactor, 0.2)
    over.callback(None)
    await flood
    assert met.sent == met.received
    assert met.sent > 500
    assert_each_household_met_one_place(met, places=2)
    assert all(len(pids) > 1 for pids in met.pids.values())
    after = {worker.pid for worker in supervised.supervisor.workers}
    assert len(after) == 2
    assert not before & after


def assert_each_household_met_one_place(met: Flood, places: int) -> None:
    """Whoever answered there; and each place had households."""
    assert set(met.places) == set(SOURCES)
    assert all(len(found) == 1 for found in met.places.values())
    assert set(met.pids) == set(range(places))


@pytest.mark.parametrize("supervised", [{"count": 3}], indirect=True)
async def test_households_stay_at_their_place_while_workers_die(supervised: Supervised) -> None:
    """Every worker is killed in turn under traffic; what its successor gets is what it had."""
    await start(supervised)
    met, over = Flood(), Deferred()
    flood = deferToThread(supervised.run, met, 500, over)
    for place in range(3):
        worker = supervised.supervisor.workers[place]
        os.kill(worker.pid, signal.SIGKILL)
        await worker.when_ended()
        await supervised.supervisor.when_ready()
        successor = supervised.supervisor.workers[place]
        while successor.pid not in met.pids.get(place, ()):
            await deferLater(reactor, 0.01)
    over.callback(None)
    await flood
    assert_each_household_met_one_place(met, places=3)
    for source in SOURCES:
        by_tcp = await deferToThread(supervised.ask_by_tcp, source)
        assert by_tcp == await deferToThread(supervised.ask, source)


async def test_a_successor_that_cannot_start_leaves_the_worker_in_place(
    supervised: Supervised, capsys: pytest.CaptureFixture[str]
) -> None:
    """A broken new version does not take the service down, and the operator is told."""
    await start(supervised)
    before = await deferToThread(supervised.ask)
    supervised.behaviour = "failing"
    await supervised.supervisor.replace_all()
    assert await deferToThread(supervised.ask) == before
    assert [worker.pid for worker in supervised.supervisor.workers] == [before]
    told = "a worker stays as it is: MEDIASTREAMER_STAND_IN: takes something better"
    assert told in capsys.readouterr().err


async def test_a_successor_that_is_never_ready_is_given_up_and_that_is_said(
    supervised: Supervised, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker in place goes on."""
    monkeypatch.setattr("smartdns.process.workers.READY_WITHIN_S", 0.1)
    await start(supervised)
    before = await deferToThread(supervised.ask)
    supervised.behaviour = "late"
    await supervised.supervisor.replace_all()
    assert [worker.pid for worker in supervised.supervisor.workers] == [before]
    assert "its successor was not ready" in capsys.readouterr().err


async def test_a_successor_that_is_not_prepared_gets_no_socket(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one query is answered by it, and the standby that is prepared stays one."""
    monkeypatch.setattr("smartdns.process.workers.READY_WITHIN_S", 2.0)
    await start(supervised)
    standby, (worker,) = supervised.supervisor._standby.child, supervised.supervisor.workers
    supervised.behaviour = "ignorant"
    replaced = supervised.supervisor.replace_all()
    while not replaced.called:
        assert await deferToThread(supervised.ask) == worker.pid
        await deferLater(reactor, 0.01)
    os.kill(worker.pid, signal.SIGKILL)
    await worker.when_ended()
    assert await deferToThread(supervised.ask) == standby.pid


async def test_a_standby_is_replaced_as_well(supervised: Supervised) -> None:
    """What it has loaded is as old as what the workers had."""
    await start(supervised)
    standby = supervised.supervisor._standby.child
    await supervised.supervisor.replace_all()
    assert supervised.supervisor._standby.child is not standby
    await standby.when_ended()


async def test_who_was_started_anew_while_it_is_replaced_does_not_stay(
    supervised: Supervised,
) -> None:
    """The worker dies during its replacement: in the end one process has the socket, not two."""
    await start(supervised)
    (dying,) = supervised.supervisor.workers
    supervised.behaviour = "late"
    replaced = supervised.supervisor.replace_all()
    os.kill(dying.pid, signal.SIGKILL)
    await replaced
    answering = {await deferToThread(supervised.ask) for _ in range(40)}
    assert answering == {worker.pid for worker in supervised.supervisor.workers}


async def test_what_changes_during_a_replacement_is_not_missed(supervised: Supervised) -> None:
    """Asked for again meanwhile, every worker is replaced once more, by the settings of then."""
    await start(supervised)
    supervised.behaviour = "late"
    first = supervised.supervisor.replace_all()
    await deferLater(reactor, 0.2)
    assert not first.called
    supervised.behaviour = "newest"
    await supervised.supervisor.replace_all()
    (worker,) = supervised.supervisor.workers
    (said,) = await supervised.supervisor.ask({})
    assert (said["pid"], said["is"]) == (worker.pid, "newest")


async def test_workers_are_asked_and_answer(supervised: Supervised) -> None:
    """What only a worker's memory holds can be looked at through its channel."""
    await start(supervised)
    (worker,) = supervised.supervisor.workers
    answers = await supervised.supervisor.ask({"what": "this"})
    assert answers == [{"pid": worker.pid, "is": "", "heard": {"what": "this"}}]


@pytest.mark.parametrize("supervised", [{"count": 3, "listen": False}], indirect=True)
async def test_connections_meet_the_worker_that_datagrams_meet(supervised: Supervised) -> None:
    """Also where the ports of TCP listen only once a worker is prepared, each in its turn."""
    await start(supervised)
    workers = [worker.pid for worker in supervised.supervisor.workers]
    met = {source: await deferToThread(supervised.ask_by_tcp, source) for source in SOURCES}
    assert met == {source: await deferToThread(supervised.ask, source) for source in SOURCES}
    assert set(met.values()) == set(workers)


@pytest.mark.parametrize("supervised", [{"count": 2, "listen": False}], indirect=True)
async def test_a_port_that_waits_refuses_until_a_worker_is_prepared(
    supervised: Supervised,
) -> None:
    """A connection is the sign that somebody can serve it; then whoever is there has sockets."""
    supervised.behaviour = "ignorant"
    supervised.supervisor.startService()
    ignorant, dying = supervised.supervisor.workers
    while not all(worker.channel.report for worker in (ignorant, dying)):
        await deferLater(reactor, 0.01)
    with pytest.raises(ConnectionRefusedError):
        await deferToThread(supervised.ask_by_tcp, SOURCES[0])
    supervised.behaviour = ""
    os.kill(dying.pid, signal.SIGKILL)
    while not any(worker.prepared for worker in supervised.supervisor.workers):
        await deferLater(reactor, 0.01)
    met = {await deferToThread(supervised.ask_by_tcp, source) for source in SOURCES}
    assert met == {worker.pid for worker in supervised.supervisor.workers}
    assert ignorant.pid in met
