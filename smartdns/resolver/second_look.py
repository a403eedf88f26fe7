"""What the hot thread does with a query that the exact memo does not know.

stranger                  -> refused by hand
beyond its rate           -> the question with TC, or nothing
known but for ID, case,   -> the template, adapted
  cookie
anything else             -> a miss, for the short cut or the reactor
"""

import datetime
import time
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

from twisted.logger import Logger

from smartdns.answering.knowledge import Knowledge
from smartdns.answering.numbers import HEADER_LENGTH, QR_OCTET
from smartdns.answering.rate_limit import (
    RateLimiter,
    Verdict,
    client_key,
    host_key,
)
from smartdns.resolver.allowance import Allowance
from smartdns.resolver.common_query import CommonQuery, read_common_query
from smartdns.resolver.memo import MAX_ADDRESSES, MISS, UNKNOWN, Memo, View
from smartdns.resolver.mmsg import KEY_SIZE, DatagramBatch, WayBack
from smartdns.resolver.short_reply import SLIP_FLAGS, answer_shortly
from smartdns.resolver.strangers import Missed, Strangers
from smartdns.resolver.template import Template
from smartdns.resolver.templates import ServerCookies, Templates

_EPOCH_DAY: Final = datetime.date(1970, 1, 1).toordinal()
Epoch = tuple[int, int, int]
"""Generation of the grants and of everything else a decision looks at, and the UTC day."""


class Miss(NamedTuple):
    """A datagram that must be asked about, and where its reply goes."""

    data: bytes
    query: CommonQuery | None
    """None: its reply is for nobody else."""
    verdict: Verdict
    address: bytes
    way_back: WayBack
    view: View | None
    epoch: Epoch

    def __repr__(self) -> str:
        """Show nothing of who asked what."""
        return "Miss"


_made: Final = tuple.__new__
"""As in `common_query`."""


def today() -> int:
    """The UTC day's ordinal."""
    return int(time.time()) // 86_400 + _EPOCH_DAY


class SecondLook:
    """Answers into a batch's slots; all of it belongs to the hot thread."""

    def __init__(
        self,
        batch: DatagramBatch,
        knowledge: Knowledge,
        clients: RateLimiter,
        strangers: RateLimiter,
        cookies: ServerCookies,
        epoch: Callable[[], Epoch],
    ) -> None:
        """`epoch` may be asked from any thread."""
        self.memo = Memo()
        self.allowance = Allowance(clients, self._network_of)
        self.batch = batch
        self._knowledge = knowledge
        self._strangers = Strangers(batch, knowledge, strangers, cookies)
        self._cookies = cookies
        self._ask_epoch = epoch
        self._epoch: Epoch = (-1, -1, -1)
        self._templates = Templates()
        self._views: dict[bytes, View | None] = {}
        """By address, None for a stranger; as of `_epoch`."""

    def begin_second(self, now: float) -> None:
        """Let TTLs and counts begin anew."""
        self.memo.begin_second(int(now))
        self.allowance.begin_second(now)
        self._strangers.begin_second()

    def begin_epoch(self) -> None:
        """Forget what no longer holds."""
        if self.memo.full:
            self.memo.turn()
        epoch = self._ask_epoch()
        if epoch == self._epoch:
            return
        if epoch[1] != self._epoch[1]:
            self.memo.forget()
            self._templates.forget()
        self.memo.forget_addresses()
        self._views.clear()
        self.allowance.networks.clear()
        self._epoch = epoch
        self._strangers.begin_epoch()

    def forget_askers(self, now: float) -> None:
        """Keep nothing of who asked, nor of what was asked last; only between batches."""
        self.memo.forget_addresses()
        self.allowance.forget_addresses(now)
        self._views.clear()
        self._cookies.forget()
        self.batch.forget()

    def learn(self, epoch: Epoch, view: View, key: bytes, template: Template) -> None:
        """Keep a reply, unless something changed since it was decided on."""
        if epoch == self._epoch:
            self._templates.put(view, key, template)

    def answer(self, missed: Sequence[Missed], now: float) -> tuple[Sequence[int], Sequence[Miss]]:
        """Fill the slots of what can be answered; give those of the rest, in order, and the misses.

        A mistake of ours costs a batch, not the process.
        """
        unanswered: list[int] = []
        misses: list[Miss] = []
        views, batch, strangers = self._views, self.batch, self._strangers
        queries = batch.queries
        try:
            for each in strangers.refuse_known(missed, views) if strangers.ends else missed:
                i, length, address = each
                view = views[address] if address in views else self._look_up(address)
                if view is None and strangers.refuse_barest(i, length):
                    continue
                start = i * KEY_SIZE
                data = (
                    queries[start : start + length]
                    if length <= KEY_SIZE
                    else batch.datagram(i, length)
                )
                if length < HEADER_LENGTH or data[2] & QR_OCTET:  # no query at all
                    unanswered.append(i)
                    continue
                if view is None:
                    outcome = self._refuse(each, data, now)
                else:
                    outcome = self._answer(each, data, view, now)
                if outcome is None:
                    continue
                unanswered.append(i)
                if outcome is not Verdict.DROP:
                    query, verdict = outcome
                    peer, control = batch.ways_back[i]
                    way_back = batch.peers[peer], batch.controls[control]
                    fields = data, query, verdict, address, way_back, view, self._epoch
                    misses.append(_made(Miss, fields))
        except Exception:  # noqa: BLE001 - whoever finds such a query must not stop the resolver
            Logger().failure("a batch could not be answered")
            return [i for i, _, _ in missed], ()
        return unanswered, misses

    def _look_up(self, address: bytes) -> View | None:
        profile = self._knowledge.allowlist.lookup(address, self._epoch[2])
        if len(self._views) >= MAX_ADDRESSES:
            self._views.clear()
        view = None if profile is None else self.memo.view_for(profile)
        self._views[address] = view
        if view is None and len(self.memo.tables) < MAX_ADDRESSES // 2:
            self.memo.tables[address] = UNKNOWN
        return view

    def _network_of(self, address: bytes) -> bytes:
        found = self._knowledge.allowlist.lookup_network(address, self._epoch[2])
        return host_key(address) if found is None else client_key(address, found[1])

    def _refuse(self, missed: Missed, data: bytes, now: float) -> "_Outcome":
        verdict = self._strangers.refuse(missed, data, now)
        if verdict is None:
            return None
        return Verdict.DROP if verdict is Verdict.DROP else (None, verdict)

    def _answer(self, missed: Missed, data: bytes, view: View, now: float) -> "_Outcome":
        i, length, address = missed
        verdict, key, current = Verdict.GO, data[2:], view.current
        if self.memo.tables[address] is not current:  # who is watched is in no table
            if not self.allowance.watches(address):
                self.memo.admit(address, view)
            elif (verdict := self.allowance.admit(address, now)) is Verdict.DROP:
                return Verdict.DROP
        held = key in current.young or key in current.old  # spares a call where it is not
        if held and verdict is Verdict.GO and length <= KEY_SIZE:
            vector = current[key]
            if vector is not MISS:
                self.batch.vectors[self.batch.slots[i][2]] = vector
                return None
        query = None if view.claimed else read_common_query(data)
        if query is None:
            return None, verdict
        if verdict is Verdict.SLIP:
            cookie = self._cookies.reply_to(query.cookie, address) if query.cookie else b""
            answer_shortly(self.batch, i, data, query, SLIP_FLAGS, None, cookie)
            return None
        template = self._templates.find(view, query.key, self.memo.second)
        if template is None or not self._adapt(i, template, query, key, view, address):
            return query, verdict
        return None

    def _adapt(
        self, i: int, template: Template, query: CommonQuery, key: bytes, view: View, address: bytes
    ) -> bool:
        if key == query.canonical and len(key) <= KEY_SIZE - 2:
            self.memo.remember(view, key, template.remembered())
            vector = view.current[key]
            if vector is not MISS:
                self.batch.vectors[self.batch.slots[i][2]] = vector
                return True
        cookie = self._cookies.reply_to(query.cookie, address) if query.cookie else b""
        body = template.body_for(query, cookie, self.memo.second)
        if body is not None:
            self.batch.answer_from_scratch(i, body)
        return body is not None


_Outcome = tuple[CommonQuery | None, Verdict] | Literal[Verdict.DROP] | None
"""Of a query: the slot was filled (None), silence, or a miss with what is known about it."""
