"""Keep a mirror in step with Redis, whatever Redis does.

    connect -> subscribe -> compare heads ---------- every second, or when a message is missing
                              |- none, or older than ours: not the truth; keep what we have
                              |- equal: confirmed
                              `- newer: read everything, aside, then swap
               meanwhile each message that follows our head directly is applied at once

Pub/sub is only the fast path; the head, compared, is what is relied on.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from smartdns.allowlist.mirror import Mirror
from smartdns.allowlist.redis_feed import FeedLost, FeedSession, RedisFeed
from smartdns.allowlist.snapshot import Snapshot
from smartdns.contract.grants import GrantChange, Head

COMPARE_EVERY_S = 1.0
RECONNECT_EVERY_S = 1.0
"""At most one attempt a second, however quickly the last one failed."""
MESSAGE_WITHIN_S = 0.3
"""A head that is ahead of us: its message is on the way for so long, then it is lost."""
CAUGHT_UP_WITHIN_S = 5.0
ASK_SENTINEL_EVERY_S = 5.0

SCAN_COUNT_EMPTY = 5_000
"""Entries that Redis gives at once while nobody is let in anyway."""
SCAN_COUNT_LOADED = 1_000
"""Entries that Redis gives at once while queries are answered."""
AT_ONCE_LOADED = 200
"""Entries that are put into the table at once: less than a millisecond's work."""
PAUSE_LOADED_S = 0.001
"""Seconds of pause after each `AT_ONCE_LOADED`. A thread that never pauses keeps its core for its
whole time slice of three milliseconds, and the threads that answer queries must wait for it."""
CHANGES_AT_ONCE = 200
PIECES_AT_ONCE = 50

NOT_YET = "not connected to Redis yet"
UNREADABLE = "Redis holds grants that this version cannot read; they are left out"


class Follower(Service):
    """Follows Redis from start to stop; `mirror` may be read at any time."""

    name = "allowlist"

    def __init__(
        self, mirror: Mirror, feed: RedisFeed, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.mirror = mirror
        self.trouble: str | None = NOT_YET
        """Why the allowlist is not being followed at the moment, for `status`; None: it is."""
        self._feed = feed
        self._now = now
        self._task: asyncio.Task[None] | None = None
        self._look = asyncio.Event()
        """Set when the heads should be compared at once."""
        self._heard = asyncio.Event()
        """Set with every message."""
        self._gap = False
        """A message was heard that does not follow our head."""
        self._snapshot: Snapshot | None = None
        self._recent: list[GrantChange | Head] = []
        """Messages since the head was last asked for: a reading that begins with it needs them."""
        self._left_out: str | None = None

    def startService(self) -> None:
        """Begin; returns at once."""
        super().startService()  # type: ignore[no-untyped-call]
        self._task = asyncio.ensure_future(self._follow())

    def stopService(self) -> Deferred[None]:
        """Disconnect; fires when that is done."""
        super().stopService()  # type: ignore[no-untyped-call]
        task, self._task = self._task, None
        if task is None:
            return succeed(None)
        return Deferred.fromFuture(asyncio.ensure_future(_end(task)))

    async def _follow(self) -> None:
        while True:
            began = self._now()
            try:
                async with self._feed.session() as session:
                    await self._follow_in(session)
            except FeedLost as lost:
                self.trouble = str(lost)
            except Exception:  # noqa: BLE001 - a mistake of ours must not end the following
                self.trouble = "a fault in the follower"
                Logger().failure("the allowlist's follower failed and begins anew")
            self.mirror.expire(self._now())
            await asyncio.sleep(max(0.0, began + RECONNECT_EVERY_S - self._now()))

    async def _follow_in(self, session: FeedSession) -> None:
        listening = asyncio.ensure_future(self._listen(session))
        # The end of the listening must be noticed at once.
        listening.add_done_callback(lambda _: self._look.set())
        began = asked_sentinel = self._now()
        try:
            while not listening.done():
                self._look.clear()
                self.trouble = await self._compare(session, since_s=self._now() - began)
                self.mirror.expire(self._now())
                if self._now() - asked_sentinel > ASK_SENTINEL_EVERY_S:
                    asked_sentinel = self._now()
                    await self._feed.check_place()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(COMPARE_EVERY_S):
                        await self._look.wait()
            listening.result()
        finally:
            await _end(listening)

    async def _listen(self, session: FeedSession) -> None:
        async for messages in session.messages():
            for message in messages:
                self._receive(message)
            if not messages:  # unreadable, so it may have been any
                self._gap = True
                self._look.set()
            self._heard.set()

    def _receive(self, message: GrantChange | Head) -> None:
        if self._snapshot is None:
            self._recent.append(message)
        else:
            self._snapshot.hear(message)
        if isinstance(message, GrantChange) and self.mirror.apply(message):
            return
        if self._lacks(message if isinstance(message, Head) else message.head):
            self._gap = True
            self._look.set()

    def _lacks(self, head: Head) -> bool:
        return self.mirror.head is None or head > self.mirror.head

    def _is_ahead_by_changes(self, head: Head) -> bool:
        ours = self.mirror.head
        return ours is not None and head > ours and head.epoch == ours.epoch

    async def _compare(self, session: FeedSession, since_s: float) -> str | None:
        """Compare heads and do what follows from it; gives what is wrong with Redis's, or None.

        `since_s` is how long the session has been subscribed.
        """
        self._recent.clear()
        head = await session.head()
        if head is None:
            return "Redis holds no allowlist: waiting for the registry to publish it"
        if since_s > COMPARE_EVERY_S and self._is_ahead_by_changes(head):
            await self._wait_until(lambda: self._gap or not self._lacks(head), MESSAGE_WITHIN_S)
            if self._lacks(head) and not self._gap:
                # Nothing at all was heard of it, so the subscription may be dead.
                raise FeedLost("Redis lost a message to us")
        if self._lacks(head):
            return await self._read_anew(session, head)
        self._gap = False
        if head != self.mirror.head:
            return "Redis holds an older allowlist: waiting for the registry to publish again"
        self.mirror.confirm(self._now())
        return self._left_out

    async def _read_anew(self, session: FeedSession, before: Head) -> str | None:
        """Build a snapshot aside, in pieces so that queries are answered meanwhile, and swap."""
        snapshot = self._snapshot = Snapshot(before, await session.size())
        for message in self._recent:
            snapshot.hear(message)
        self._gap = False
        try:
            count = SCAN_COUNT_LOADED if self.mirror.loaded else SCAN_COUNT_EMPTY
            at_once = AT_ONCE_LOADED if self.mirror.loaded else SCAN_COUNT_EMPTY
            async for fields in session.grants(count):
                for begin in range(0, len(fields), 2 * at_once):
                    snapshot.read(fields[begin : begin + 2 * at_once])
                    await self._let_others()
            after = await session.head()
            if after is None or after < before:
                return "Redis was emptied while it was read"
            await self._wait_until(
                lambda: snapshot.void or snapshot.head >= after, CAUGHT_UP_WITHIN_S
            )
            if snapshot.void or snapshot.head < after:
                self._look.set()
                return "Redis was rebuilt while it was read"
            while snapshot.catch_up(CHANGES_AT_ONCE):
                await self._let_others()
        finally:
            self._snapshot = None
        former = self.mirror.replace(snapshot.head, snapshot.grants, self._now())
        while former:
            del former[-PIECES_AT_ONCE:]
            await self._let_others()
        self._left_out = UNREADABLE if snapshot.unreadable else None
        return self._left_out

    async def _let_others(self) -> None:
        """Between two pieces of work, let the threads that answer queries run."""
        await asyncio.sleep(PAUSE_LOADED_S if self.mirror.loaded else 0)

    async def _wait_until(self, holds: Callable[[], bool], within_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not holds():
                    self._heard.clear()
                    await self._heard.wait()


async def _end(task: "asyncio.Task[None]") -> None:
    """Cancel until it ends.

    Once is not enough: before Python 3.12 `asyncio.wait_for`, which redis-py uses, swallows a
    cancellation that comes together with what it waited for.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=0.1)
    if not task.cancelled():
        task.exception()  # seen, or asyncio complains that nobody did
