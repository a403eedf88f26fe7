"""One worker of a role, whichever it is: a front, the allowlist, and what else it depends on."""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.posixbase import PosixReactorBase

from smartdns.allowlist.follower import Follower
from smartdns.allowlist.mirror import Mirror
from smartdns.allowlist.redis_feed import RedisFeed
from smartdns.roles.diagnosis import explain
from smartdns.settings import DataPlaneSettings

if TYPE_CHECKING:
    from smartdns.answering.knowledge import Knowledge

Sockets = Mapping[str, Sequence[socket.socket]]
"""Bound sockets by what they are for: udp, tcp, tls; relay-tls, relay-http."""


class Front(Protocol):
    """What takes queries or connections: a service with a report."""

    def setServiceParent(self, parent: object) -> None:  # noqa: N802 - Twisted's name
        """Start with the role."""

    def disownServiceParent(self) -> object:  # noqa: N802
        """End, before what it needs ends."""

    def report(self) -> dict[str, Any]:
        """Say where it listens, and whether it is "ready"."""

    def metrics(self) -> dict[str, float]:
        """Give what may be counted; nothing, if there is nothing."""


class Watcher(Protocol):
    """A service that looks at something which is not ours."""

    def setServiceParent(self, parent: object) -> None:  # noqa: N802
        """Start with the role."""

    @property
    def ready(self) -> bool:
        """Whether it knows enough for the role to begin."""

    def trouble(self) -> list[str]:
        """Give lines for people."""

    def failed(self) -> str | None:
        """Give a line where there is no use in waiting."""


class Role(MultiService):
    """One worker of a role: its front, and what that depends on.

    All but the front runs from the start, so who stands by knows as much as who answers, and
    answers as soon as it is given sockets.
    """

    def __init__(
        self,
        follower: Follower,
        make_front: Callable[[Sockets], Front],
        watchers: Sequence[Watcher],
        *others: IService,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.knowledge: Knowledge | None = None
        """What a resolver decides by."""
        self._follower = follower
        self._make_front = make_front
        self._front: Front | None = None
        self._watchers = watchers
        for part in (follower, *others):
            part.setServiceParent(self)
        for watcher in watchers:
            watcher.setServiceParent(self)

    def open(self, sockets: Sockets) -> None:
        """Take queries or connections from now on; nobody waits for what is not known yet."""
        self._front = self._make_front(sockets)
        self._front.setServiceParent(self)

    def report(self) -> dict[str, object]:
        """Say how far it is; nothing in here comes from a query.

        "trouble" has lines for people, "failed" one where there is no use in waiting, "allowlist"
        how the following goes.
        """
        mirror = self._follower.mirror
        front = self._front.report() if self._front else {"listen": [], "ready": False}
        trouble = [line for watcher in self._watchers for line in watcher.trouble()]
        probed = all(watcher.ready for watcher in self._watchers)
        failed = next((w.failed() for w in self._watchers if w.failed()), None)
        prepared = bool(mirror.loaded and failed is None and probed)
        return {
            **front,
            "epoch": None if mirror.head is None else mirror.head.epoch,
            "position": None if mirror.head is None else mirror.head.position,
            "loaded": mirror.loaded,
            "prepared": prepared,
            "ready": prepared and bool(front["ready"]),
            "allowlist": self._follower.trouble or "followed",
            "trouble": trouble,
            "failed": failed,
        }

    def metrics(self) -> dict[str, float]:
        """Give what may be counted (`telemetry.metrics`)."""
        return {
            **(self._front.metrics() if self._front else {}),
            "ready": float(bool(self.report()["ready"])),
            "troubles": sum(len(watcher.trouble()) for watcher in self._watchers),
        }

    def explain(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Say what this worker makes of an address and a name; an operator asks."""
        return explain(question, self._follower.mirror, self.knowledge, time.monotonic())

    def stopService(self) -> Deferred[None]:
        """Let the front finish what is in flight before anything that it needs ends."""
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._front is not None:
            await maybeDeferred(self._front.disownServiceParent)
        await maybeDeferred(super().stopService)


def allowlist_of(settings: DataPlaneSettings) -> tuple[Mirror, Follower]:
    """Make the allowlist of a worker, and what keeps it in step."""
    mirror = Mirror(keep_for_s=settings.allowlist_max_age_hours * 3600.0)
    return mirror, Follower(mirror, RedisFeed(settings.redis_url))


def installed_reactor() -> PosixReactorBase:
    """Give the reactor of this process."""
    from twisted.internet import reactor  # noqa: PLC0415 - importing it installs one

    return reactor  # type: ignore[return-value]
