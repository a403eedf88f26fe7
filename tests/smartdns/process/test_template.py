"""What workers are forked from, with real processes."""

import os
import signal
from pathlib import Path

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from smartdns.process import template
from smartdns.process.template import ForkedProcess
from tests.smartdns.supervised import Supervised, start


async def pid_of(supervised: Supervised) -> int:
    """Give the template's pid, once it runs."""
    child = supervised.template._child
    assert child is not None
    assert child.pid is not None
    return child.pid


def read(pid: int, file: str) -> bytes:
    """Read what the kernel says of a process."""
    return Path(f"/proc/{pid}/{file}").read_bytes()


def descriptors_of(pid: int) -> dict[str, str]:
    """Give the descriptors of a process, and what each leads to."""
    return {each.name: str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}


def threads_of(pid: int) -> list[str]:
    """Give the threads of a process."""
    return [each.name for each in Path(f"/proc/{pid}/task").iterdir()]


@pytest.mark.parametrize("supervised", [{"count": 2}], indirect=True)
async def test_workers_are_children_of_the_supervisor(supervised: Supervised) -> None:
    """It notices their end, and they end with it; what is between them and the template is gone."""
    await start(supervised)
    parent = await pid_of(supervised)
    for worker in supervised.supervisor.workers:
        assert f"PPid:\t{os.getpid()}\n".encode() in read(worker.pid, "status")
    assert read(parent, f"task/{parent}/children") == b""


async def test_a_worker_has_nothing_of_the_template_but_memory(supervised: Supervised) -> None:
    """Its descriptors are its own: standard ones, its channel, its sockets, and its loop's."""
    await start(supervised)
    parent = await pid_of(supervised)
    (worker,) = supervised.supervisor.workers
    channel = descriptors_of(parent)["3"]
    assert channel.startswith("socket:")
    assert channel not in descriptors_of(worker.pid).values()


async def test_the_template_has_no_socket_no_loop_and_no_thread(supervised: Supervised) -> None:
    """A fork would share an epoll, lose a thread, and keep a connection open."""
    await start(supervised)
    parent = await pid_of(supervised)
    assert set(descriptors_of(parent)) == {"0", "1", "2", "3"}, "and 3 is its channel"
    assert threads_of(parent) == [str(parent)]


async def test_a_setting_reaches_a_worker_and_nobody_else(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes over the worker's channel: no environment of a process has it."""
    monkeypatch.setenv("MEDIASTREAMER_SECRET_KEY", "of-the-supervisor")
    supervised.behaviour = "a-secret-of-the-worker"
    await start(supervised)
    (worker,) = supervised.supervisor.workers
    (said,) = await supervised.supervisor.ask({})
    assert said["is"] == "a-secret-of-the-worker"
    for pid in (worker.pid, await pid_of(supervised)):
        environment = read(pid, "environ")
        assert b"a-secret-of-the-worker" not in environment
        assert b"MEDIASTREAMER" not in environment


async def test_a_worker_is_called_by_its_role(supervised: Supervised) -> None:
    """In `ps`, where the template's last argument was, and by name."""
    await start(supervised)
    (worker,) = supervised.supervisor.workers
    assert read(worker.pid, "cmdline").rstrip(b"\0").endswith(b"\0standin")
    assert read(worker.pid, "comm") == b"standin\n"


async def test_a_template_that_dies_harms_no_worker(supervised: Supervised) -> None:
    """The next worker comes from another one."""
    await start(supervised)
    before = await pid_of(supervised)
    (worker,) = supervised.supervisor.workers
    os.kill(before, signal.SIGKILL)
    assert supervised.template._child is not None
    await supervised.template._child.when_ended()
    assert not worker.ended
    await supervised.supervisor.replace_all().addTimeout(40, reactor)
    assert await pid_of(supervised) != before
    assert supervised.supervisor.ready


async def test_a_template_ends_when_nobody_needs_it(
    supervised: Supervised, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is wanted later comes from another one."""
    monkeypatch.setattr(template, "IDLE_S", 0.1)
    supervised.supervisor.startService()
    child = supervised.template._child
    assert child is not None
    await child.when_ended().addTimeout(20, reactor)
    await supervised.supervisor.when_ready().addTimeout(20, reactor)
    (worker,) = supervised.supervisor.workers
    os.kill(worker.pid, signal.SIGKILL)
    await worker.when_ended()
    await supervised.supervisor.when_ready().addTimeout(20, reactor)


async def test_a_worker_is_stopped_before_it_has_begun(supervised: Supervised) -> None:
    """The signal waits until it is known to whom it goes."""
    supervised.supervisor.startService()
    (worker,) = supervised.supervisor.workers
    assert worker.pid is None
    await supervised.supervisor.stopService()
    assert worker.ended


async def test_a_worker_whose_template_died_before_the_fork_is_gone() -> None:
    """Its channel closes without a pid, and that is told once."""
    gone: Deferred[None] = Deferred()
    forked = ForkedProcess(lambda: gone.callback(None))
    forked.said(None)
    forked.said(None)
    assert gone.called
    forked.signal(signal.SIGTERM)
    await deferLater(reactor, 0)
