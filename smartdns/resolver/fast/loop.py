"""The loop of the fast path: a thread that reads, answers from memory and writes.

The thread blocks in recvmmsg without the GIL. The socket cannot be shut down to wake it, since a
replacement process may be reading from it too; so the call ends by itself after `WAKE_S`.

Answers of a batch leave first. Then misses are worked on for at most `WORK_S`; while any are left
the next batch is read without waiting. So however many misses come, what the memo knows is soon
answered, and the socket's queue stays short.
"""

import math
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from smartdns.resolver.fast.batch import LENGTHS
from smartdns.resolver.fast.memo import MISS
from smartdns.resolver.fast.misses import Misses

WAKE_S: Final = 0.2
WORK_S: Final = 0.001
"""How long misses are worked on before the next batch is read."""
LONGEST_PAUSE_S: Final = 0.00075
SMALL_BATCH: Final = 16
WORTH_A_PAUSE: Final = 3
"""Queries that the longest pause must gather: for fewer, two wake-ups cost more than they save."""
RECKONED: Final = 256
"""Queries over which a rate is reckoned."""


def pause_at(rate: float) -> float:
    """Give the seconds to pause after a small batch where `rate` queries come in a second.

    A wake-up costs more than the queries that it brings, the more so where the processor has
    meanwhile forgotten our code; so let them gather, up to three quarters of a millisecond.
    """
    if rate * LONGEST_PAUSE_S < WORTH_A_PAUSE:
        return 0.0
    return min(LONGEST_PAUSE_S, SMALL_BATCH / rate)


class Loop:
    """Answers one UDP socket from `start` to `stop`."""

    def __init__(
        self,
        misses: Misses,
        ended: Callable[[BaseException | None], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ended` gets the error that ended the thread, None where it was stopped."""
        self._misses = misses
        self._now = now
        self._ended = ended
        self._news = True
        self._forgets = False
        self._look_again_at = 0
        """The second in which the next one begins."""
        self.taken = 0
        """Datagrams read."""
        self.remembered = 0
        """Those of them that took no decision."""
        self._pause_s = 0.0
        """After each small batch."""
        self._counted = (0, 0.0)
        """`taken` when the rate was last reckoned, and when that was."""
        self._stopping = False
        self._told = False
        """By another thread, to stop or to forget."""
        self._own_thread = threading.Thread(target=self._run, name="hot", daemon=True)

    def start(self, listener: socket.socket) -> None:
        """Read from `listener`, whose calls wait from now on."""
        timeout = struct.pack("ll", 0, int(WAKE_S * 1e6))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        self._own_thread.start()

    def stop(self) -> None:
        """Take no more batches; returns when the thread has ended, within `WAKE_S`."""
        self._stopping = self._told = True
        self._own_thread.join()

    def look_up(self) -> None:
        """Note before the next batch that grants or knowledge changed; from any thread."""
        self._news = True

    def forget_askers(self) -> None:
        """Keep nothing of who asked, with the next batch or after `WAKE_S`; from any thread."""
        self._forgets = self._told = True

    def _run(self) -> None:
        try:
            self._answer_batches()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the process must know
            self._ended(error)
        else:
            self._ended(None)

    def _answer_batches(self) -> None:
        misses, memo = self._misses, self._misses.memo
        receive, answer = misses.batch.receive, self._answer()
        while not (self._told and self._obey()):
            count = receive(wait=not misses.waiting)
            now = self._now()
            if now >= self._look_again_at or self._news or memo.full:
                self._take_note(now)
            if misses.learned and not misses.waiting:
                misses.learn()
            if count:
                self.taken += count
                answer(count, now)
            if misses.waiting:
                misses.work(now + WORK_S)
            if 0 < count < SMALL_BATCH and not misses.waiting:
                self._rest(now)
        misses.work(math.inf)  # what was taken is still answered

    def _answer(self) -> Callable[[int, float], None]:
        """Give what answers the first so many slots of the batch.

        It is a closure: nothing of a batch stays in a frame once it has returned, and none of this
        is an attribute to be looked up for every query.
        """
        misses, rates, memo = self._misses, self._misses.rates, self._misses.memo
        batch, tables, take = misses.batch, memo.tables, misses.take
        queries, peers, vectors, slots = batch.queries, batch.peers, batch.vectors, batch.slots
        send, received, addresses_of = batch.send, batch.received, batch.addresses

        def answer(count: int, now: float) -> None:
            addresses = addresses_of[count](peers)
            rates.total += count
            if rates.total > rates.quiet and rates.count(addresses, now):
                memo.forget_addresses()
            missed = []
            for length, address, (i, keys, vector) in zip(
                LENGTHS[count](received), addresses, slots, strict=False
            ):
                try:
                    found = tables[address][queries[keys[length]]]
                except IndexError:  # longer than a key; a check would cost every other query
                    found = MISS
                if found is MISS:
                    missed.append((i, length, address))
                else:
                    vectors[vector] = found
            unfilled = take(missed, now) if missed else ()
            self.remembered += count - len(unfilled)
            first = 0
            for i in unfilled:
                if first < i:
                    send(first, i)
                first = i + 1
            if first < count:
                send(first, count)

        return answer

    def _obey(self) -> bool:
        """Do what was told between batches; True: stop."""
        self._told = False  # first: whatever is told from here on sets it again
        if self._forgets:
            self._forgets = False
            self._misses.forget_askers(self._now())
        return self._stopping

    def _rest(self, now: float) -> None:
        """Let a few more queries come where that saves more than it delays."""
        taken, since = self._counted
        if self.taken - taken >= RECKONED:
            self._pause_s = pause_at((self.taken - taken) / max(now - since, 1e-6))
            self._counted = (self.taken, now)
        if self._pause_s:
            time.sleep(self._pause_s)

    def _take_note(self, now: float) -> None:
        """Forget what no longer holds."""
        self._news = False  # first: whatever is noted from here on sets it again
        if now >= self._look_again_at:
            self._misses.begin_second(now)
            self._look_again_at = int(now) + 1
        self._misses.begin_epoch()
