import threading

from twisted.internet.threads import deferToThread

from registry.thread_service import ThreadService


class Turning(ThreadService):
    """Counts its turns, each as long as the test says, and waits until it is woken."""

    name = "turning"

    def __init__(self) -> None:
        super().__init__()
        self.turned = threading.Semaphore(0)
        self.going_on = threading.Event()
        self.going_on.set()
        self.count = 0
        self.finished_after: int | None = None

    def turn(self) -> None:
        self.count += 1
        self.turned.release()
        self.going_on.wait()

    def finish(self) -> None:
        self.finished_after = self.count


def is_running() -> bool:
    """Say whether the service's thread lives."""
    return any(thread.name == "turning" for thread in threading.enumerate())


async def test_turns_begin_at_the_start_and_when_woken_and_end_with_the_service() -> None:
    """The thread has the service's name, and none is left."""
    service = Turning()
    service.startService()
    await deferToThread(service.turned.acquire)
    assert is_running()
    service.wake()
    await deferToThread(service.turned.acquire)
    await service.stopService()
    assert not is_running()
    assert service.count == service.finished_after == 2


async def test_waking_during_a_turn_is_not_lost() -> None:
    """What is to be done may have come up behind the turn's back."""
    service = Turning()
    service.going_on.clear()
    service.startService()
    await deferToThread(service.turned.acquire)
    service.wake()
    service.going_on.set()
    await deferToThread(service.turned.acquire)
    await service.stopService()


async def test_stopping_ends_the_present_turn_and_begins_no_other() -> None:
    """However often it was woken before."""
    service = Turning()
    service.going_on.clear()
    service.startService()
    await deferToThread(service.turned.acquire)
    service.wake()
    stopped = service.stopService()
    assert service.stopping.is_set()
    service.going_on.set()
    await stopped
    assert service.count == service.finished_after == 1


async def test_thread_that_hangs_is_left_behind_where_that_is_wished() -> None:
    """The process must be able to end."""
    service = Turning()
    service.stopped_within_s = 0.01
    service.going_on.clear()
    service.startService()
    await deferToThread(service.turned.acquire)
    await service.stopService()
    assert is_running()
    service.going_on.set()
    for thread in threading.enumerate():
        if thread.name == "turning":
            await deferToThread(thread.join)


async def test_service_starts_again() -> None:
    """As a Twisted service may; before its first start there is nothing to stop."""
    service = Turning()
    await service.stopService()
    for count in (1, 2):
        service.startService()
        await deferToThread(service.turned.acquire)
        await service.stopService()
        assert service.count == count
