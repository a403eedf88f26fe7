"""Queries that the memo has no reply for: strangers are refused; the responder decides the rest.

Misses wait in a short queue, and the loop works on it between batches, so that replies from the
memo never wait for them. A miss that has waited too long is dropped: its client has asked again.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from twisted.logger import Logger

from smartdns.answering.numbers import HEADER_LENGTH, QR_OCTET
from smartdns.answering.query import Source
from smartdns.answering.rules.rate_limit import Verdict, client_key, host_key
from smartdns.resolver.datagrams import WayBack
from smartdns.resolver.fast.batch import KEY_SIZE, DatagramBatch
from smartdns.resolver.fast.memo import MISS, Memo, View
from smartdns.resolver.fast.rates import Rates
from smartdns.resolver.fast.refusals import Missed, Refusals
from smartdns.resolver.fast.views import Views
from smartdns.resolver.rendering import Rendered
from smartdns.resolver.responder import Asked, Responder, outcome_of

LONGEST_WAIT_S: Final = 0.08
"""How long a miss may wait for its turn."""
MOST_WAITING: Final = 8_192
MOST_LEARNED: Final = 1_024
_new: Final = tuple.__new__
"""As in `answering.cache`."""
Learned = tuple[View, bytes, Rendered, int]
"""The view, the query after its ID, the reply, and the second in which it was rendered."""
SendTo = Callable[[bytes, WayBack], None]


class Miss(NamedTuple):
    """A datagram that waits for a decision, and where its reply goes."""

    data: bytes
    address: bytes
    way_back: WayBack
    verdict: Verdict
    came_at: float

    def __repr__(self) -> str:
        """Show nothing of who asked what."""
        return "Miss"


class Misses:
    """The misses of one socket. Only the loop's thread uses this object, except `learned`."""

    def __init__(self, batch: DatagramBatch, responder: Responder, send_to: SendTo) -> None:
        """`send_to` may be called from any thread."""
        self.memo = Memo()
        self.rates = Rates(responder.limits.clients, self._network_of)
        self.waiting: deque[Miss] = deque()
        self.learned: deque[Learned] = deque(maxlen=MOST_LEARNED)
        """Replies made from upstreams' replies, for the memo; the reactor's thread adds them."""
        self.batch = batch
        self.outcomes: Counter[str] = Counter()
        """Queries decided here, by the outcome of the reply; "silent": without a reply."""
        self.asked = 0
        """Queries that were passed to upstreams."""
        self.dropped = 0
        """Queries that had waited too long."""
        self._responder, self._send_to = responder, send_to
        self._knowledge = responder.knowledge
        self._refusals = Refusals(batch, self._knowledge, responder.limits.strangers)
        self._log = Logger()
        self.views = Views(self.memo, responder)

    def begin_second(self, now: float) -> None:
        """Let TTLs and counts begin from zero."""
        self.memo.begin_second(int(now))
        self.rates.begin_second(now)
        self._refusals.begin_second()

    def begin_epoch(self) -> None:
        """Forget what no longer holds."""
        if self.views.begin_epoch():
            self.rates.networks.clear()
            self._refusals.begin_epoch()

    def forget_askers(self, now: float) -> None:
        """Forget all clients' addresses and the last batch's queries; only between batches."""
        self.views.forget_addresses()
        self.rates.forget_addresses(now)
        self.batch.forget()

    def learn(self) -> None:
        """Put the replies in `learned` into the memo, before the next batch is answered.

        Only when no misses wait, for these come first. If too many collect until then, the oldest
        are lost.
        """
        learned, remember = self.learned, self.memo.remember
        while learned:
            remember(*learned.popleft())

    def take(self, missed: Sequence[Missed], now: float) -> Sequence[int]:
        """Fill the slots that can be filled at once; give the numbers of the others, in order.

        The others wait for `work`, except those that get no reply. An error in our own code costs
        one batch.
        """
        put_off = len(self.waiting) + self.dropped
        try:
            unfilled = self._take(missed, now)
        except Exception:  # noqa: BLE001 - no query may stop the resolver
            self._log.failure("a batch could not be answered")
            unfilled = [i for i, _, _ in missed]
        self.outcomes["silent"] += len(unfilled) + put_off - len(self.waiting) - self.dropped
        return unfilled

    def _take(self, missed: Sequence[Missed], now: float) -> Sequence[int]:
        view_of = self.views.of
        strangers: list[Missed] = []
        unfilled: list[int] = []
        for each in missed:
            view = view_of(each[2])
            if view is None:
                strangers.append(each)
            elif not self._fill(each, view, now):
                unfilled.append(each[0])
        if strangers:
            silent, rest = self._refusals.refuse(strangers, now)
            unfilled += silent
            for each, verdict in rest:
                unfilled.append(each[0])
                self._put_off(each, verdict, now)
        return sorted(unfilled)

    def work(self, until: float) -> None:
        """Decide about misses until the clock reaches `until`, or none is left."""
        waiting, clock = self.waiting, self._responder.clock
        now = clock()
        while waiting and now < until:
            miss = waiting.popleft()
            if now - miss.came_at > LONGEST_WAIT_S:
                self.dropped += 1
            else:
                try:
                    self._decide(miss)
                except Exception:  # noqa: BLE001 - the next one is answered
                    self._log.failure("a query could not be answered")
                    self.outcomes["silent"] += 1
            now = clock()

    def _fill(self, missed: Missed, view: View, now: float) -> bool:
        """Fill a client's slot, or put its query into the queue; False: the slot is not filled."""
        i, length, address = missed
        verdict, current = Verdict.GO, view.current
        looked = self.memo.tables[address] is current
        if not looked:
            if not self.rates.watches(address):
                self.memo.admit(address, view)
            else:
                verdict = self.rates.admit(address, now)
        if verdict is Verdict.GO and length <= KEY_SIZE:
            _, keys, slot = self.batch.slots[i]
            key = self.batch.queries[keys[length]]
            vector = MISS if looked else current[key]
            if vector is not MISS:
                self.batch.vectors[slot] = vector
                return True
            reply = self.memo.in_another_form(view, key)
            if reply is not None:
                self.batch.answer_from_scratch(i, reply)
                return True
        if verdict is not Verdict.DROP:
            self._put_off(missed, verdict, now)
        return False

    def _put_off(self, missed: Missed, verdict: Verdict, now: float) -> None:
        i, length, address = missed
        batch = self.batch
        data = batch.datagram(i, length)
        if length < HEADER_LENGTH or data[2] & QR_OCTET:  # not a query
            return
        if len(self.waiting) >= MOST_WAITING:
            self.waiting.popleft()
            self.dropped += 1
        peer, control = batch.ways_back[i]
        way_back = batch.peers[peer], batch.controls[control]
        self.waiting.append(Miss(data, address, way_back, verdict, now))

    def _decide(self, miss: Miss) -> None:
        data, address, way_back, verdict, _ = miss
        view = self.views.of(address)
        profile = None if view is None else view.profile
        source = _new(Source, (address, int.from_bytes(way_back[0][2:4]), "udp"))
        decided = self._responder.decide(data, source, profile, verdict)
        if isinstance(decided, Asked):

            def send(reply: Rendered) -> None:
                self._send_to(reply.octets, way_back)
                if view is not None and reply.valid_until:
                    second = int(self._responder.clock())
                    self.learned.append((view, data[2:], reply, second))

            decided = self._responder.ask(decided, send, self.rates.networks[address])
            if decided is None:
                self.asked += 1
                return
        self.outcomes[outcome_of(decided)] += 1
        if decided is None:
            return
        self._send_to(decided.octets, way_back)
        if view is not None and decided.valid_until:
            self.memo.remember(view, data[2:], decided, self.memo.second)

    def _network_of(self, address: bytes) -> bytes:
        found = self._knowledge.allowlist.lookup_network(address, self.views.epoch[2])
        return host_key(address) if found is None else client_key(address, found[1])
