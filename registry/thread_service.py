"""A Twisted service that works in a thread of its own, turn by turn."""

import threading

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.threads import deferToThread


class ThreadService(Service):
    """Calls `turn` until it is stopped; a subclass says in `turn` what there is to do.

    For work that blocks: on a database, on Redis, on name servers and mail servers.
    """

    name: str
    """Of the service and of its thread."""
    first_turn_after_s = 0.0
    stopped_within_s: float | None = None
    """After it a thread that has not ended is left behind; None: it is waited for."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        """Set once the service is to end: a long turn looks at it, or waits on it."""
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def turn(self) -> float | None:
        """Do what there is to do now; give the seconds until the next turn, None: until woken.

        Runs in the thread. It must not raise: that would end the thread and not the process.
        """
        raise NotImplementedError

    def finish(self) -> None:
        """Called in the thread after the last turn; does nothing unless overridden."""

    def wake(self) -> None:
        """Begin the next turn at once, or right after the present one. Any thread may call this."""
        self._woken.set()

    def startService(self) -> None:
        """Start the thread; returns at once."""
        super().startService()  # type: ignore[no-untyped-call]
        self.stopping.clear()
        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
        self._thread.start()

    def stopService(self) -> Deferred[None]:
        """Let the present turn be the last; fires when it has ended."""
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
