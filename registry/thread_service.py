"""A Twisted service that runs its work in a thread of its own, in turns."""

import threading

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread


class ThreadService(Service):
    """Calls `turn` again and again until it is stopped; a subclass implements `turn`.

    For work that blocks: database statements, Redis, look-ups, sending mail.
    """

    name: str
    """Name of the service and of its thread."""
    first_turn_after_s = 0.0
    stopped_within_s: float | None = None
    """How long `stopService` waits for the thread to end; None: without limit."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        """Set when the service is to end. A long turn checks it, or waits on it."""
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def turn(self) -> float | None:
        """Do the work that is due; give the seconds until the next turn, None: wait for `wake`.

        Runs in the thread. It must not raise: the thread would end without anybody noticing.
        """
        raise NotImplementedError

    def finish(self) -> None:
        """Clean up; called in the thread after the last turn. A subclass may override it."""

    def wake(self) -> None:
        """Begin the next turn now, or right after the present one. Any thread may call it."""
        self._woken.set()

    def startService(self) -> None:
        """Start the thread; returns at once."""
        super().startService()  # type: ignore[no-untyped-call]
        self.stopping.clear()
        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
        self._thread.start()

    def stopService(self) -> Deferred[None]:
        """End the thread after its present turn; fires when it has ended."""
        super().stopService()  # type: ignore[no-untyped-call]
        self.stopping.set()
        self._woken.set()
        thread, self._thread = self._thread, None
        if thread is None:
            return succeed(None)
        return deferToThread(thread.join, self.stopped_within_s)

    def _work(self) -> None:
        wait_s: float | None = self.first_turn_after_s
        while True:
            self._woken.wait(wait_s)
            self._woken.clear()
            if self.stopping.is_set():
                break
            wait_s = self.turn()
        self.finish()
