"""The loop of the fast path: a thread that reads, answers from memory and writes.

The thread blocks in recvmmsg without the GIL. The socket cannot be shut down to wake the thread,
since a replacement process may be reading from it too; so the call ends by itself after `WAKE_S`.

A batch's replies from memory are sent first. Then the thread works on misses for at most `WORK_S`;
while any are left, it reads the next batch without waiting. So however many misses come, queries
that the memo knows are answered soon, and the socket's queue stays short.
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
"""How long the thread works on misses before it reads the next batch."""
LONGEST_PAUSE_S: Final = 0.00075
SMALL_BATCH: Final = 16
WORTH_A_PAUSE: Final = 3
"""Queries that must arrive in the longest pause: with fewer, a pause costs more than it saves."""
RECKONED: Final = 256
"""Queries over which the rate of queries is measured."""


def pause_at(rate: float) -> float:
    """Give the seconds to pause after a small batch, where `rate` queries come in a second.

    A wake-up costs more than answering the few queries it brings, above all when our code has left
    the processor's cache; so let queries gather, for at most three quarters of a millisecond.
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
        """`ended` gets the error that ended the thread; None: `stop` ended it."""
        self._misses = misses
        self._now = now
        self._ended = ended
        self._news = True
        self._forgets = False
        self._look_again_at = 0
        """When the next second begins, on the clock of `now`."""
        self.taken = 0
        """Datagrams read."""
        self.remembered = 0
        """Datagrams whose slots were filled at once, without a decision."""
        self._pause_s = 0.0
        """Pause after each small batch."""
        self._counted = (0, 0.0)
        """`taken` when the rate was last measured, and the time of that."""
        self._stopping = False
        self._told = False
        """Another thread asked this one to stop or to forget."""
        self._own_thread = threading.Thread(target=self._run, name="hot", daemon=True)

    def start(self, listener: socket.socket) -> None:
        """Read from `listener`; sets a timeout on it, so that each call blocks up to `WAKE_S`."""
        timeout = struct.pack("ll", 0, int(WAKE_S * 1e6))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        self._own_thread.start()

    def stop(self) -> None:
        """Read no more batches; returns when the thread has ended, within about `WAKE_S`."""
        self._stopping = self._told = True
        self._own_thread.join()

    def look_up(self) -> None:
        """Check before the next batch what grants and knowledge say now; from any thread."""
        self._news = True

    def forget_askers(self) -> None:
        """Forget all clients' addresses, at the next batch or after `WAKE_S`; from any thread."""
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
        misses.work(math.inf)  # queries that were read are still answered

    def _answer(self) -> Callable[[int, float], None]:
        """Give the function that answers the first `count` slots of the batch.

        It is a closure, for two reasons: when it returns, its frame keeps nothing of a batch; and
        no attribute is looked up for each query.
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
                except IndexError:  # longer than a key; a check would slow every other query
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
        """Between batches, do what another thread asked for; True: stop."""
        self._told = False  # first: a request that comes from here on sets it again
        if self._forgets:
            self._forgets = False
            self._misses.forget_askers(self._now())
        return self._stopping

    def _rest(self, now: float) -> None:
        """Pause until a few more queries have come, where that saves more time than it costs."""
        taken, since = self._counted
        if self.taken - taken >= RECKONED:
            self._pause_s = pause_at((self.taken - taken) / max(now - since, 1e-6))
            self._counted = (self.taken, now)
        if self._pause_s:
            time.sleep(self._pause_s)

    def _take_note(self, now: float) -> None:
        """Forget what no longer holds."""
        self._news = False  # first: a change from here on sets it again
        if now >= self._look_again_at:
            self._misses.begin_second(now)
            self._look_again_at = int(now) + 1
        self._misses.begin_epoch()
