"""The fast path: one thread that reads, answers from memory and writes, batch by batch.

                 hot thread                                 reactor's thread
    recvmmsg -> memo -> sendmmsg
                 | what the memo does not know
                 v
           second look (`SecondLook`)
                 | what that does not know
                 v                              the upstream's reply
           short cut (`ShortCut`)  - - - - - - - - - - - - ->  to the asker
                 | what is not common           misses
                 `---------------------------------------->  Responder, upstreams
                 <----------------------------------------  reply to be remembered
                                               `learned`

The two meet in few places, none with a lock per datagram: misses go over in one call for a batch,
questions of the short cut by a dictionary of what is under way; replies come back through a deque;
and `news` says that this, or what a decision looks at, is to be taken note of before the next
batch is answered.

The thread blocks in recvmmsg without the GIL. The socket cannot be shut down to wake it, since a
replacement process may be reading from it too; so the call ends by itself after `WAKE_S`.
"""

import contextlib
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from smartdns.resolver.memo import MISS, View
from smartdns.resolver.mmsg import FIRST_LENGTH, LENGTHS, Slot
from smartdns.resolver.second_look import Epoch, Miss, SecondLook
from smartdns.resolver.template import Template

WAKE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 0.00075
SMALL_BATCH: Final = 16
WORTH_A_PAUSE: Final = 3
"""Queries that the longest pause must gather: for fewer, two wake-ups cost more than they save."""
RECKONED: Final = 256
"""Queries over which a rate is reckoned."""

_Read = tuple[int, bytes, Slot]
"""Length, sender and place of a datagram."""
_NOTHING: Final = (), ()
"""Unanswered, and misses of a batch that the memo knows all of."""

Learned = tuple[Epoch, View, bytes, Template]


def pause_at(rate: float) -> float:
    """Give the seconds to pause after a small batch where `rate` queries come in a second.

    A wake-up costs more than the queries that it brings, the more so where the processor has
    meanwhile forgotten our code; so let them gather, up to three quarters of a millisecond.
    """
    if rate * LONGEST_PAUSE_S < WORTH_A_PAUSE:
        return 0.0
    return min(LONGEST_PAUSE_S, SMALL_BATCH / rate)


class HotThread:
    """Answers one UDP socket from `start` to `stop`."""

    def __init__(
        self,
        look: SecondLook,
        ask: Callable[[Sequence[Miss]], None],
        ended: Callable[[BaseException | None], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ask` gets a batch's misses; `ended`, at the end, the error that ended the thread."""
        self._look = look
        self._ask = ask
        self._now = now
        self._ended = ended
        self._learned: deque[Learned] = deque()
        self._news = True
        self._forgets = False
        self._look_again_at = 0
        """The second in which the next one begins."""
        self.taken = 0
        """Datagrams read."""
        self._pause_s = 0.0
        """After each small batch."""
        self._counted = (0, 0.0)
        """`taken` when the rate was last reckoned, and when that was."""
        self._stopping = False
        self._told = False
        """By another thread, to stop or to forget."""
        self._thread = threading.Thread(target=self._run, name="hot", daemon=True)

    def start(self, listener: socket.socket) -> None:
        """Read from `listener`, whose calls wait from now on."""
        timeout = struct.pack("ll", 0, int(WAKE_S * 1e6))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeout)
        self._thread.start()

    def stop(self) -> None:
        """Take no more batches; returns when the thread has ended, within `WAKE_S`."""
        self._stopping = self._told = True
        self._thread.join()

    def learn(self, epoch: Epoch, view: View, key: bytes, template: Template) -> None:
        """Take a reply that was decided on in `epoch`; called from the reactor's thread."""
        self._learned.append((epoch, view, key, template))
        self._news = True

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

    def _answer_batches(self) -> None:  # noqa: C901, PLR0912 - each call would cost a miss 3 us
        look = self._look
        batch, memo, allowance = look.batch, look.memo, look.allowance
        answer, ask = look.answer, self._ask
        # Each of these would be an attribute's look-up for every wake-up or every query.
        queries, peers, vectors, slots = batch.queries, batch.peers, batch.vectors, batch.slots
        receive, send, received = batch.receive, batch.send, batch.received
        addresses_of, first_address, numbers = batch.addresses, batch.first_address, batch.numbers
        monotonic, tables = self._now, memo.tables
        addresses: Sequence[bytes] = ()
        read: Iterable[_Read] = ()
        missed: list[tuple[int, int, bytes]] = []
        misses: Sequence[Miss] = ()
        while not (self._told and self._obey()):
            if not (count := receive()):
                # Nor may this frame know for long who asked last.
                addresses, read, missed, misses, address = (), (), [], (), b""
                continue
            self.taken += count
            now = monotonic()
            if now >= self._look_again_at or self._news or memo.full:
                self._take_note(now)
            if count == 1:  # as most where few ask: 10 us less where nothing is in the caches
                addresses = (peers[first_address],)
                read = ((numbers[FIRST_LENGTH], addresses[0], slots[0]),)
            else:
                addresses = addresses_of[count](peers)
                read = zip(LENGTHS[count](received), addresses, slots, strict=False)
            allowance.total += count
            if allowance.total > allowance.quiet and allowance.count(addresses, now):
                memo.forget_addresses()
            missed = []
            for length, address, (i, keys, vector) in read:
                try:
                    found = tables[address][queries[keys[length]]]
                except IndexError:  # longer than a key; a check would cost every other query
                    found = MISS
                if found is MISS:
                    missed.append((i, length, address))
                else:
                    vectors[vector] = found
            unanswered, misses = answer(missed, now) if missed else _NOTHING
            first = 0
            for i in unanswered:
                if first < i:
                    send(first, i)
                first = i + 1
            if first < count:
                send(first, count)
            if misses:
                ask(misses)
            elif count < SMALL_BATCH:
                self._rest(now)

    def _obey(self) -> bool:
        """Do what was told between batches; True: stop."""
        self._told = False  # first: whatever is told from here on sets it again
        if self._forgets:
            self._forgets = False
            self._look.forget_askers(self._now())
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
        """Forget what no longer holds, then take in what the reactor has answered."""
        self._news = False  # first: whatever is noted from here on sets it again
        look = self._look
        if now >= self._look_again_at:
            look.begin_second(now)
            self._look_again_at = int(now) + 1
        look.begin_epoch()
        with contextlib.suppress(IndexError):
            while True:
                look.learn(*self._learned.popleft())
